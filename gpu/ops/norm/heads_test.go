package norm

import (
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// TestHeads compares heads of unit length with float64, and columns behind them with what
// they were.
func TestHeads(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range [][5]int{{1, 1, 0, 1, 1}, {3, 4, 2, 16, 96}, {7, 24, 12, 64, 36 * 64}, {2, 5, 5, 33, 170}} {
			n, heads, scaled, dh, ld := s[0], s[1], s[2], s[3], s[4]
			x := gputest.Normal(1, n*ld)
			clear(x[:dh]) // a head of zeros stays
			var scale *gpu.Tensor
			by := gputest.Normal(2, max(scaled, 1))
			if scaled > 0 {
				scale = gputest.F32(t, dev, by, scaled)
			}
			out := gputest.F32(t, dev, x, n, ld)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Heads(r, HeadsArgs{X: out, Scale: scale, Heads: heads, Dim: dh})
			})
			want, bound := optest.Wide(x), make([]float64, n*ld)
			for i := range n * heads {
				at := i/heads*ld + i%heads*dh
				sum := 0.0
				for _, v := range want[at : at+dh] {
					sum += v * v
				}
				f := 1 / max(math.Sqrt(sum), 1e-12)
				if i%heads < scaled {
					f *= float64(by[i%heads])
				}
				for c := at; c < at+dh; c++ {
					want[c] *= f
					bound[c] = math.Abs(want[c]) * float64(dh+6) * gputest.Eps
				}
			}
			gputest.Close(t, "out", gputest.Read(t, out), want, bound)
		}
		x := gputest.F32(t, dev, make([]float32, 24), 2, 12)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"wide":  func(r *gpu.Recorder) { Heads(r, HeadsArgs{X: x, Heads: 4, Dim: 4}) },
			"none":  func(r *gpu.Recorder) { Heads(r, HeadsArgs{X: x, Dim: 4}) },
			"scale": func(r *gpu.Recorder) { Heads(r, HeadsArgs{X: x, Scale: x, Heads: 3, Dim: 4}) },
		})
	})
}

// TestHeadsAlone holds that a row's bits do not depend on the others.
func TestHeadsAlone(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, ld = 5, 96
		x := gputest.Normal(3, n*ld)
		optest.SameRows(t, n, ld, func(m int) []float32 {
			out := gputest.F32(t, dev, slices.Clone(x[:m*ld]), m, ld)
			gputest.Run(t, dev, func(r *gpu.Recorder) { Heads(r, HeadsArgs{X: out, Heads: 4, Dim: 16}) })
			return gputest.Read(t, out)
		})
	})
}
