package embed

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// TestAxes compares embeddings of places with their definition. Some coordinates and
// levels lie outside the tables.
func TestAxes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range []struct{ n, d, axes, v, l int }{{7, 12, 3, 9, 4}, {1, 2, 1, 3, 1}, {5, 67, 3, 128, 4}} {
			for _, parts := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v/%v", s, parts), func(t *testing.T) {
					x, table, levels := gputest.Normal(1, s.n*s.d), gputest.Normal(2, s.v*s.d), gputest.Normal(3, s.l*s.d)
					pos := make([]int32, s.n*(s.axes+1))
					for i := range pos {
						pos[i] = int32(i*7%(s.v+2)) - 1
						if i%(s.axes+1) == s.axes {
							pos[i] = int32(i*5%(s.l+2)) - 1
						}
					}
					want, bound := optest.Wide(x), make([]float64, len(x))
					for i := range want {
						r, c := i/s.d, i%s.d
						axis := c % s.axes
						if parts {
							axis = c * s.axes / s.d
						}
						bound[i] = math.Abs(want[i])
						for k, of := range map[int][]float32{axis: table, s.axes: levels} {
							if at := int(pos[r*(s.axes+1)+k]); at >= 0 && at*s.d < len(of) {
								y := float64(of[at*s.d+c])
								want[i], bound[i] = want[i]+y, bound[i]+math.Abs(y)
							}
						}
						bound[i] *= 2 * gputest.Eps
					}
					out := gputest.F32(t, dev, x, s.n, s.d)
					gputest.Run(t, dev, func(r *gpu.Recorder) {
						Axes(r, AxesArgs{
							X: out, Out: out, Table: gputest.F32(t, dev, table, s.v, s.d), Levels: gputest.F32(t, dev, levels, s.l, s.d),
							Pos: gputest.I32(t, dev, pos, s.n, s.axes+1), Parts: parts,
						})
					})
					gputest.Close(t, "out", gputest.Read(t, out), want, bound)
				})
			}
		}
	})
}

func TestAxesShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, pos := gputest.F32(t, dev, make([]float32, 24), 3, 8), gputest.I32(t, dev, make([]int32, 12), 3, 4)
		good := AxesArgs{X: x, Out: x, Table: x, Levels: x, Pos: pos}
		bad := map[string]func(*gpu.Recorder){}
		for name, change := range map[string]func(a *AxesArgs){
			"no table":     func(a *AxesArgs) { a.Table = nil },
			"wider levels": func(a *AxesArgs) { a.Levels = x.View(0, 6, 4) },
			"no axis":      func(a *AxesArgs) { a.Pos = pos.View(0, 3, 1) },
			"short out":    func(a *AxesArgs) { a.Out = x.View(0, 2, 8) },
		} {
			a := good
			change(&a)
			bad[name] = func(r *gpu.Recorder) { Axes(r, a) }
		}
		optest.Refused(t, dev, bad)
	})
}
