package attention

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// wideShapes are sequences, queries, keys and width; the third takes two blocks of
// rows, the last but one a head that Forward would refuse.
var wideShapes = [][4]int{{2, 7, 9, 6}, {1, 1, 1, 2}, {1, 40, 70000, 2}, {1, 33, 64, 512}, {3, 20, 20, 34}}

// wideOracle returns attention of one sequence in float64 and its error's bound:
// a score's error, twice that and exp's in a weight, and the rounding of two sums.
func wideOracle(q, k, v []float64, dh int, scale float64) (out, bound []float64) {
	n, nk := len(q)/dh, len(k)/dh
	out, bound = make([]float64, n*dh), make([]float64, n*dh)
	for i := range n {
		scores, top, worst := make([]float64, nk), math.Inf(-1), 0.0
		for j := range nk {
			mag := 0.0
			for c := range dh {
				scores[j] += scale * q[i*dh+c] * k[j*dh+c]
				mag += math.Abs(scale * q[i*dh+c] * k[j*dh+c])
			}
			top, worst = max(top, scores[j]), max(worst, float64(dh+4)*gputest.Eps*mag)
		}
		sum := 0.0
		for j := range scores {
			sum += math.Exp(scores[j] - top)
		}
		for j, s := range scores {
			p := math.Exp(s-top) / sum
			rel := 4*worst + (12+4*(top-s)+float64(2*nk))*gputest.Eps
			for c := range dh {
				x := v[j*dh+c]
				out[i*dh+c] += p * x
				bound[i*dh+c] += p * math.Abs(x) * rel
			}
		}
	}
	return out, bound
}

func TestWide(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range wideShapes {
			b, n, nk, dh := s[0], s[1], s[2], s[3]
			q, k, v := gputest.Normal(1, b*n*dh), gputest.Normal(2, b*nk*dh), gputest.Normal(3, b*nk*dh)
			a := WideArgs{
				Q: gputest.F32(t, dev, q, b*n, dh), K: gputest.F32(t, dev, k, b*nk, dh), V: gputest.F32(t, dev, v, b*nk, dh),
				Out: gputest.F32(t, dev, nans(b*n*dh), b*n, dh), B: b,
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) { Wide(r, a) })
			got := gputest.Read(t, a.Out)
			for i := range b {
				part := func(x []float32, rows int) []float64 { return optest.Wide(x[i*rows*dh:][:rows*dh]) }
				want, bound := wideOracle(part(q, n), part(k, nk), part(v, nk), dh, float64(scaleOr(0, dh)))
				gputest.Close(t, "out", got[i*n*dh:][:n*dh], want, bound)
			}
		}
	})
}

// TestWideRows holds that a row's bits do not depend on the rows beside it.
func TestWideRows(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, nk, dh = 37, 21, 10
		q, k, v := gputest.Normal(1, n*dh), gputest.F32(t, dev, gputest.Normal(2, nk*dh), nk, dh), gputest.F32(t, dev, gputest.Normal(3, nk*dh), nk, dh)
		run := func(rows int) []float32 {
			out := gputest.F32(t, dev, nans(rows*dh), rows, dh)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Wide(r, WideArgs{Q: gputest.F32(t, dev, q[:rows*dh], rows, dh), K: k, V: v, Out: out})
			})
			return gputest.Read(t, out)
		}
		if all, some := run(n), run(3); !slices.Equal(all[:len(some)], some) {
			t.Error("a row changes with the rows beside it")
		}
	})
}

func TestWideRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m := func(rows, cols int) *gpu.Tensor { return gputest.F32(t, dev, make([]float32, rows*cols), rows, cols) }
		for name, a := range map[string]WideArgs{
			"no queries":     {K: m(4, 4), V: m(4, 4), Out: m(4, 4)},
			"odd width":      {Q: m(4, 3), K: m(4, 3), V: m(4, 3), Out: m(4, 3)},
			"another width":  {Q: m(4, 4), K: m(4, 2), V: m(4, 4), Out: m(4, 4)},
			"fewer values":   {Q: m(4, 4), K: m(4, 4), V: m(3, 4), Out: m(4, 4)},
			"three of four":  {Q: m(4, 4), K: m(4, 4), V: m(4, 4), Out: m(4, 4), B: 3},
			"no output":      {Q: m(4, 4), K: m(4, 4), V: m(4, 4)},
			"integers":       {Q: gputest.I32(t, dev, make([]int32, 16), 4, 4), K: m(4, 4), V: m(4, 4), Out: m(4, 4)},
			"a short output": {Q: m(4, 4), K: m(4, 4), V: m(4, 4), Out: m(3, 4)},
		} {
			r := dev.NewRecorder()
			Wide(r, a)
			if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
