package singular

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// scaled is the definition in float64, by another algorithm. It returns the largest value too.
func scaled(x []float32, n, d int, strength float64) (out []float64, most float64) {
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(n, d, optest.Wide(x)), mat.SVDThin) {
		panic("no singular values")
	}
	values := svd.Values(nil)
	var u, v, us, y mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	most = values[0]
	for i := range values {
		if most > 0 {
			values[i] *= math.Exp(strength * values[i] / most)
		}
	}
	us.Mul(&u, mat.NewDiagDense(len(values), values))
	y.Mul(&us, v.T())
	for i := range n {
		out = append(out, y.RawRowView(i)...)
	}
	return out, most
}

func scale(t *testing.T, dev *gpu.Device, x []float32, b, n, d int, strength float32) []float32 {
	t.Helper()
	out := gputest.F32(t, dev, make([]float32, len(x)), b*n, d)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Scale(r, Args{X: gputest.F32(t, dev, x, b*n, d), B: b, Strength: strength, Out: out})
	})
	return gputest.Read(t, out)
}

// TestScale holds matrices of many and of few rows, of one large direction, of low rank and of
// zeros to float64. Each has the bits that it has alone.
func TestScale(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, size := range [][2]int{{1, 8}, {4, 32}, {25, 7}, {169, 32}, {64, 1}} {
			n, d := size[0], size[1]
			x := gputest.Normal(uint64(n), 4*n*d)
			for i := range n * d {
				x[n*d+i] += 5 * x[n*d+i%d]                   // a direction stands out
				x[2*n*d+i] = x[2*n*d+i/d*d] * float32(i%d+1) // rank 1
				x[3*n*d+i] = 0
			}
			for _, strength := range []float32{-1, -0.25, 0, 0.5} {
				got := scale(t, dev, x, 4, n, d, strength)
				for b := range 4 {
					own := x[b*n*d : (b+1)*n*d]
					want, most := scaled(own, n, d, float64(strength))
					bound := float64(n+64*d) * most * math.Exp(math.Abs(float64(strength))) / (1 << 24)
					for i, w := range want {
						if e := math.Abs(float64(got[b*n*d+i]) - w); !(e <= bound) {
							t.Fatalf("%d by %d, matrix %d, strength %g: element %d is %g, want %g within %g", n, d, b, strength, i, got[b*n*d+i], w, bound)
						}
					}
					if alone := scale(t, dev, own, 1, n, d, strength); !slices.Equal(alone, got[b*n*d:(b+1)*n*d]) {
						t.Errorf("%d by %d: matrix %d has other bits alone", n, d, b)
					}
				}
			}
		}
		x := func(shape ...int) *gpu.Tensor {
			return gputest.F32(t, dev, make([]float32, tensor.Elems(shape)), shape...)
		}
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"matrices": func(r *gpu.Recorder) { Scale(r, Args{X: x(5, 3), B: 2, Out: x(5, 3)}) },
			"none":     func(r *gpu.Recorder) { Scale(r, Args{X: x(4, 3), Out: x(4, 3)}) },
			"columns":  func(r *gpu.Recorder) { Scale(r, Args{X: x(1, 257), B: 1, Out: x(1, 257)}) },
			"out":      func(r *gpu.Recorder) { Scale(r, Args{X: x(4, 3), B: 2, Out: x(4, 2)}) },
		})
	})
}
