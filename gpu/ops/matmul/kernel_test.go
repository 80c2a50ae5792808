package matmul

import (
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestWalks holds every walk to the arrays and loops of outer.comp, which would
// overflow or skip without a word.
func TestWalks(t *testing.T) {
	const array, pointers = 128, 8 // acc, a and b; arow and bcol
	for dt := range weights {
		for _, l := range []Layout{NT, NN, TN} {
			for _, aDT := range []tensor.DType{tensor.F32, dt} {
				a := Args{Layout: l, A: &gpu.Tensor{DType: aDT}, B: &gpu.Tensor{DType: dt}}
				if a.quantized() && (l != NT || aDT == dt) {
					continue
				}
				for _, a.M = range []int{1, 2, 3, 5, 8, 9, 16, 17, 32, 100} {
					for width := 4; width <= 64; width *= 2 {
						o := outer(dt, rows(&a), width)
						if l != NT && half(a.B) {
							o.together = o.vectors
						}
						ka := 2 // elements of A in a load
						if half(a.A) {
							ka = 4
						}
						re, ke := 1, ka
						if l == TN {
							re, ke = ka, 1
						}
						units, kt := o.rows/re, o.step*o.unroll
						regs, steps := max(1, units/width), min(max(1, width/units)*ke, kt)/ke
						loads := kt / ke / steps * regs * ka
						switch {
						case o.rows*o.vectors > array, o.vectors*o.step > array, loads > array:
							t.Errorf("%v %v m=%d width=%d: %+v needs more than %d elements", l, dt, a.M, width, o, array)
						case o.vectors > pointers, regs > pointers:
							t.Errorf("%v %v m=%d width=%d: %+v needs more than %d pointers", l, dt, a.M, width, o, pointers)
						case o.rows%o.side != 0, o.vectors%o.together != 0, kt%(steps*ke) != 0, units > width && units%width != 0:
							t.Errorf("%v %v m=%d width=%d: %+v does not divide", l, dt, a.M, width, o)
						case o.phases && (o.together != o.vectors || o.unroll != 1):
							t.Errorf("%v %v m=%d width=%d: %+v has phases and parts", l, dt, a.M, width, o)
						case a.quantized() && kt != Group:
							t.Errorf("%v m=%d width=%d: %+v is not one group a body", dt, a.M, width, o)
						}
					}
				}
			}
		}
	}
}
