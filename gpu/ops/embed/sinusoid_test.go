package embed

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// positions are whole, fractional, negative and far ones.
func positions(n int) []float32 {
	pos := gputest.Normal(3, n)
	for i := range pos {
		switch i % 4 {
		case 0:
			pos[i] = float32(i * 37 % 1000)
		case 1:
			pos[i] *= 300
		case 2:
			pos[i] *= 3e4
		}
	}
	return pos
}

func sinusoid64(n, axes, h int, base float64, order Order, pos []float32) (out, bound []float64) {
	out, bound = make([]float64, n*axes*2*h), make([]float64, n*axes*2*h)
	for ra, x := range pos[:n*axes] {
		for i := range h {
			angle := float64(x) * math.Pow(base, -float64(i)/float64(h))
			s, c := math.Sincos(angle)
			at := [][2]int{{i, h + i}, {h + i, i}, {2 * i, 2*i + 1}}[order]
			out[ra*2*h+at[0]], out[ra*2*h+at[1]] = s, c
			bound[ra*2*h+at[0]], bound[ra*2*h+at[1]] = 8e-7+2e-10*math.Abs(angle), 8e-7+2e-10*math.Abs(angle)
		}
	}
	return out, bound
}

func TestSinusoid(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range []struct {
			n, axes, h int
			base       float64
		}{{1, 1, 1, 1e4}, {200, 1, 128, 1e4}, {40, 3, 20, 100}, {7, 2, 33, 1e4}} {
			for _, order := range []Order{SinCos, CosSin, Interleaved} {
				for _, add := range []bool{false, true} {
					pos, before := positions(s.n*s.axes), gputest.Normal(4, s.n*s.axes*2*s.h)
					want, bound := sinusoid64(s.n, s.axes, s.h, s.base, order, pos)
					for i, v := range before {
						if add {
							want[i] += float64(v)
							bound[i] += gputest.Eps * math.Abs(want[i])
						}
					}
					out := gputest.F32(t, dev, before, s.n, s.axes*2*s.h)
					gputest.Run(t, dev, func(r *gpu.Recorder) {
						Sinusoid(r, SinusoidArgs{
							Pos: gputest.F32(t, dev, pos, s.n, s.axes), Freq: gputest.F32(t, dev, Frequencies(s.h, s.base), 2, s.h), Out: out, Order: order, Add: add,
						})
					})
					gputest.Close(t, fmt.Sprintf("%+v/order=%d/add=%v", s, order, add), gputest.Read(t, out), want, bound)
				}
			}
		}
	})
}

func TestFrequencies(t *testing.T) {
	f := Frequencies(3, 1000)
	if f[0] != 1 || f[1] != float32(0.1) || f[2] != float32(0.01) || f[3] != 0 || f[4] == 0 {
		t.Errorf("got %v", f)
	}
	for i, want := range []float64{1, 0.1, 0.01} {
		if d := math.Abs(float64(f[i]) + float64(f[3+i]) - want); d > 1e-15 {
			t.Errorf("frequency %d is off by %g", i, d)
		}
	}
}

func TestSinusoidRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, h = 9, 21
		pos, freq := positions(n), gputest.F32(t, dev, Frequencies(h, 1e4), 2, h)
		optest.SameRows(t, n, 2*h, func(m int) []float32 {
			out := gputest.F32(t, dev, make([]float32, m*2*h), m, 2*h)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Sinusoid(r, SinusoidArgs{Pos: gputest.F32(t, dev, slices.Clone(pos[:m]), m, 1), Freq: freq, Out: out})
			})
			return gputest.Read(t, out)
		})
	})
}

func TestSinusoidShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		pos, freq := x.View(0, 3, 1), x.View(0, 2, 2)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":   func(r *gpu.Recorder) { Sinusoid(r, SinusoidArgs{Freq: freq, Out: x}) },
			"freq":  func(r *gpu.Recorder) { Sinusoid(r, SinusoidArgs{Pos: pos, Freq: x.View(0, 3), Out: x}) },
			"out":   func(r *gpu.Recorder) { Sinusoid(r, SinusoidArgs{Pos: pos, Freq: freq, Out: freq}) },
			"order": func(r *gpu.Recorder) { Sinusoid(r, SinusoidArgs{Pos: pos, Freq: freq, Out: x, Order: 3}) },
		})
	})
}

func BenchmarkSinusoid(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n, axes, h = 4096, 3, 128 // OctGPT's positions: some 40 operations a number
	x, f := gputest.F32(b, dev, positions(n*axes), n, axes), gputest.F32(b, dev, Frequencies(h, 100), 2, h)
	out := gputest.F32(b, dev, make([]float32, n*axes*2*h), n, axes*2*h)
	b.Run(fmt.Sprintf("rows=%d/axes=%d/frequencies=%d", n, axes, h), func(b *testing.B) {
		optest.Bench(b, dev, 4*n*axes*2*h, n, func(r *gpu.Recorder) { Sinusoid(r, SinusoidArgs{Pos: x, Freq: f, Out: out, Order: Interleaved}) })
	})
}
