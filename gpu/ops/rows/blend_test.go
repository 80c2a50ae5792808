package rows

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// TestBlend compares weighted sums of rows with float64, in samples with rows between
// them, of which the last has none behind it. Some taps are of no row, or of weight 0.
func TestBlend(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range []struct{ b, nx, v, no, k, d int }{{1, 1, 1, 1, 1, 1}, {3, 7, 5, 9, 4, 8}, {2, 30, 20, 20, 16, 33}, {1, 4, 3, 3, 2, 300}} {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(s.d)))
				x, taps := gputest.Normal(1, s.b*s.nx*s.d), make([]float32, 0, s.v*s.k*2)
				for i := range s.v * s.k {
					row, weight := float32(r.IntN(s.nx+2)-1), float32(r.NormFloat64())
					if i%5 == 4 {
						weight = 0
					}
					taps = append(taps, row, weight)
				}
				elems := ((s.b-1)*s.no + s.v) * s.d
				before := gputest.Normal(2, elems)
				want, mag := optest.Wide(before), make([]float64, elems)
				for i := range s.b * s.v {
					sample, row := i/s.v, i%s.v
					for c := range s.d {
						sum, scale := 0.0, 0.0
						for j := range s.k {
							from, w := int(taps[2*(row*s.k+j)]), float64(taps[2*(row*s.k+j)+1])
							if from >= 0 && from < s.nx {
								sum += w * float64(x[(sample*s.nx+from)*s.d+c])
								scale += math.Abs(w * float64(x[(sample*s.nx+from)*s.d+c]))
							}
						}
						want[(sample*s.no+row)*s.d+c], mag[(sample*s.no+row)*s.d+c] = sum, scale*float64(s.k+2)*gputest.Eps
					}
				}
				out := gputest.F32(t, dev, before, elems)
				gputest.Run(t, dev, func(r *gpu.Recorder) {
					Blend(r, BlendArgs{X: gputest.F32(t, dev, x, len(x)), Taps: gputest.F32(t, dev, taps, s.v, s.k, 2), Out: out, D: s.d, B: s.b, XRows: s.nx, OutRows: s.no})
				})
				gputest.Close(t, "out", gputest.Read(t, out), want, mag)
			})
		}
	})
}

// TestGatherApart gathers by ids that are columns of a wider table.
func TestGatherApart(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := []float32{1, 2, 3, 4, 5, 6}
		ids := gputest.I32(t, dev, []int32{9, 2, 0, 9, 1, -1}, 6)
		out := gputest.F32(t, dev, make([]float32, 8), 2, 4)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Gather(r, GatherArgs{X: gputest.F32(t, dev, x, 3, 2), IDs: ids.View(1, 5), Out: out, LD: 3})
		})
		gputest.Close(t, "out", gputest.Read(t, out), []float64{5, 6, 1, 2, 3, 4, 0, 0}, make([]float64, 8))
	})
}

func TestBlendErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		f := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		taps := gputest.F32(t, dev, make([]float32, 12), 3, 2, 2)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"taps": func(r *gpu.Recorder) { Blend(r, BlendArgs{X: f, Taps: f, Out: f, D: 4, XRows: 3}) },
			"rows": func(r *gpu.Recorder) { Blend(r, BlendArgs{X: f, Taps: taps, Out: f, D: 4}) },
			"out":  func(r *gpu.Recorder) { Blend(r, BlendArgs{X: f, Taps: taps, Out: f, D: 8, XRows: 1}) },
			"near": func(r *gpu.Recorder) { Blend(r, BlendArgs{X: f, Taps: taps, Out: f, D: 4, XRows: 3, OutRows: 2}) },
		})
	})
}
