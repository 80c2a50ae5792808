package matmul

import (
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestWalks holds every walk to the arrays and loops of outer.comp, which would
// overflow or skip without a word.
func TestWalks(t *testing.T) {
	for dt := range weights {
		for _, l := range []Layout{NT, NN, TN} {
			for _, aDT := range []tensor.DType{tensor.F32, dt} {
				a := Args{Layout: l, A: &gpu.Tensor{DType: aDT}, B: &gpu.Tensor{DType: dt}, C: &gpu.Tensor{DType: aDT}}
				if a.quantized() && (l != NT || aDT == dt) {
					continue
				}
				for _, a.Gated = range []bool{false, l == NT} {
					for _, a.N = range []int{16, 32, 48, 768} {
						testWalks(t, a)
					}
				}
			}
		}
	}
}

func testWalks(t *testing.T, a Args) {
	for _, a.M = range []int{1, 2, 3, 5, 8, 9, 16, 17, 32, 100} {
		for width := 4; width <= 64; width *= 2 {
			for _, few := range []bool{false, true} {
				if o := outer(&a, width, few); fault(&a, o, width) != "" {
					t.Errorf("%v %v m=%d n=%d gated=%v width=%d, few registers %v: %+v %s", a.Layout, a.B.DType, a.M, a.N, a.Gated, width, few, o, fault(&a, o, width))
				}
			}
		}
	}
}

// fault says what a walk breaks.
func fault(a *Args, o walk, width int) string {
	const sums, array, pointers = 192, 128, 8 // acc; a and b; arow and bcol
	ka := 2                                   // elements of A in a load
	if half(a.A) {
		ka = 4
	}
	re, ke := 1, ka
	if a.Layout == TN {
		re, ke = ka, 1
	}
	units, kt := o.rows/re, o.step*o.unroll
	regs, steps := max(1, units/width), min(max(1, width/units)*ke, kt)/ke
	loads := kt / ke / steps * regs * ka
	vectors := o.vectors // of columns of C
	if a.Gated {
		vectors /= 2
	}
	beside := 1 // columns of C that a lane owns side by side
	switch {
	case a.Layout != NT && half(a.B):
		beside = 4
	case a.Layout != NT || half(a.C):
		beside = 2
	}
	switch {
	case o.rows*o.vectors > sums, o.vectors*o.step > array, loads > array:
		return "needs more elements than there are"
	case o.vectors > pointers, regs > pointers:
		return "needs more pointers than there are"
	case o.rows%o.side != 0, o.vectors%o.together != 0, kt%(steps*ke) != 0, units > width && units%width != 0, vectors%beside != 0:
		return "does not divide"
	case o.phases && (o.together != o.vectors || o.unroll != 1):
		return "has phases and parts"
	case a.quantized() && kt != Group:
		return "is not one group a body"
	}
	return ""
}
