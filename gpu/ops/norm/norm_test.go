package norm

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// shape is n rows of d columns in groups of inner, with gaps behind the groups.
type shape struct{ n, d, inner, gap int }

var shapes = []shape{{1, 1, 1, 0}, {1, 64, 1, 0}, {5, 33, 1, 0}, {7, 96, 1, 32}, {12, 16, 3, 24}, {6, 5, 2, 3}, {130, 130, 1, 0}, {3, 4098, 1, 0}}

func (s shape) ld() int { return s.inner*s.d + s.gap }

// spread puts packed rows where the shape has them, with guards in the gaps.
func (s shape) spread(packed []float32) []float32 {
	out := make([]float32, s.n/s.inner*s.ld())
	for i := range out {
		out[i] = guard
	}
	for i, v := range packed {
		out[s.index(i)] = v
	}
	return out
}

func (s shape) index(i int) int { return i/(s.inner*s.d)*s.ld() + i%(s.inner*s.d) }

const guard = -12345

// packed takes rows out of their places and fails the test if a guard changed.
func (s shape) packed(t *testing.T, spread []float32) []float32 {
	t.Helper()
	out, kept := make([]float32, s.n*s.d), append([]float32(nil), spread...)
	for i := range out {
		out[i], kept[s.index(i)] = spread[s.index(i)], guard
	}
	for i, v := range kept {
		if v != guard {
			t.Fatalf("element %d in a gap is %g", i, v)
		}
	}
	return out
}

// problem is one test case: operands and what the oracle makes of them.
type problem struct {
	shape
	oracle
	x32, gain32, bias32, dout32 []float32
	grad                        gradients
}

func newProblem(s shape, rms bool) *problem {
	p := &problem{shape: s, x32: gputest.Normal(1, s.n*s.d), gain32: gputest.Normal(2, s.d), bias32: gputest.Normal(3, s.d), dout32: gputest.Normal(4, s.n*s.d)}
	for i := range p.x32 {
		p.x32[i] = p.x32[i]*float32(1+i/s.d%3) + 0.5
	}
	p.oracle = oracle{rms: rms, n: s.n, d: s.d, x: optest.Wide(p.x32), gain: optest.Wide(p.gain32), bias: optest.Wide(p.bias32)}
	if rms {
		clear(p.oracle.bias)
	}
	p.forward()
	p.grad = p.backward(optest.Wide(p.dout32))
	return p
}

func TestOracleGradients(t *testing.T) {
	for _, rms := range []bool{true, false} {
		p := newProblem(shape{n: 3, d: 5, inner: 1}, rms)
		dout := optest.Wide(p.dout32)
		loss := func() float64 {
			p.forward()
			return optest.Dot(p.out, dout)
		}
		optest.Gradient(t, "dx", loss, p.x, p.grad.dx)
		optest.Gradient(t, "dgain", loss, p.gain, p.grad.dgain)
		optest.Gradient(t, "dbias", loss, p.bias, p.grad.dbias)
	}
}

func each(t *testing.T, body func(t *testing.T, dev *gpu.Device, s shape)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { body(t, dev, s) })
		}
	})
}

func narrow(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func scaled(x []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * by
	}
	return out
}

func TestRMS(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		for _, inPlace := range []bool{false, true} {
			p := newProblem(s, true)
			x := gputest.F32(t, dev, s.spread(p.x32), s.n/s.inner, s.ld())
			out := x
			if !inPlace {
				out = gputest.F32(t, dev, s.spread(p.dout32), s.n/s.inner, s.ld())
			}
			rstd := gputest.F32(t, dev, make([]float32, s.n), s.n)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				RMS(r, RMSArgs{X: x, Gain: gputest.F32(t, dev, p.gain32, s.d), Out: out, RStd: rstd, Inner: s.inner, LDX: s.ld(), LDOut: s.ld()})
			})
			gputest.Close(t, "out", s.packed(t, gputest.Read(t, out)), p.out, p.bound(dev.SubgroupWidth(), gputest.Eps))
			gputest.Close(t, "rstd", gputest.Read(t, rstd), p.rstd, scaled(p.rstd, float64(s.d/dev.SubgroupWidth()+24)*gputest.Eps))
		}
	})
}

func TestRMSGrad(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		for _, mode := range []string{"overwrite", "add", "in place"} {
			p := newProblem(s, true)
			dout := gputest.F32(t, dev, s.spread(p.dout32), s.n/s.inner, s.ld())
			dx0, dgain0 := gputest.Normal(5, s.n*s.d), gputest.Normal(6, s.d)
			dx := gputest.F32(t, dev, s.spread(dx0), s.n/s.inner, s.ld())
			if mode == "in place" {
				dx = dout
			}
			dgain := gputest.F32(t, dev, dgain0, s.d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				RMSGrad(r, RMSGradArgs{
					X: gputest.F32(t, dev, s.spread(p.x32), s.n/s.inner, s.ld()), Gain: gputest.F32(t, dev, p.gain32, s.d),
					RStd: gputest.F32(t, dev, narrow(p.rstd), s.n), DOut: dout, DX: dx, AddDX: mode == "add", DGain: dgain,
					Inner: s.inner, LDX: s.ld(), LDOut: s.ld(),
				})
			})
			if mode != "add" {
				clear(dx0)
			}
			p.checkInput(t, dev, s.packed(t, gputest.Read(t, dx)), dx0)
			p.checkColumns(t, "dgain", gputest.Read(t, dgain), dgain0, p.grad.dgain, p.grad.magGain)
		}
	})
}

func (p *problem) checkInput(t *testing.T, dev *gpu.Device, got, before []float32) {
	t.Helper()
	bound := scaled(p.grad.magX, float64(p.shape.d/dev.SubgroupWidth()+24)*gputest.Eps)
	want := append([]float64(nil), p.grad.dx...)
	for i, v := range before {
		want[i] += float64(v)
		bound[i] += 2 * gputest.Eps * math.Abs(float64(v))
	}
	gputest.Close(t, "dx", got, want, bound)
}

func (p *problem) checkColumns(t *testing.T, what string, got, before []float32, want, mag []float64) {
	t.Helper()
	want, bound := append([]float64(nil), want...), scaled(mag, gputest.Eps*(max(64, float64(p.shape.n)/64)+72))
	for i, v := range before {
		want[i] += float64(v)
		bound[i] += 2 * gputest.Eps * math.Abs(float64(v))
	}
	gputest.Close(t, what, got, want, bound)
}

func TestLayer(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		p := newProblem(s, false)
		for _, inPlace := range []bool{false, true} {
			x := gputest.F32(t, dev, p.x32, s.n, s.d)
			out := x
			if !inPlace {
				out = gputest.F32(t, dev, p.dout32, s.n, s.d)
			}
			mean, rstd := gputest.F32(t, dev, make([]float32, s.n), s.n), gputest.F32(t, dev, make([]float32, s.n), s.n)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Layer(r, LayerArgs{X: x, Gain: gputest.F32(t, dev, p.gain32, s.d), Bias: gputest.F32(t, dev, p.bias32, s.d), Out: out, Mean: mean, RStd: rstd})
			})
			gputest.Close(t, "out", gputest.Read(t, out), p.out, p.bound(dev.SubgroupWidth(), gputest.Eps))
			c := float64(s.d/dev.SubgroupWidth()+24) * gputest.Eps
			bm, br := make([]float64, s.n), make([]float64, s.n)
			for r := range s.n {
				br[r] = c * p.rstd[r] * (1 + p.amplitude(r))
				bm[r] = c * p.amplitude(r) / p.rstd[r]
			}
			gputest.Close(t, "mean", gputest.Read(t, mean), p.mean, bm)
			gputest.Close(t, "rstd", gputest.Read(t, rstd), p.rstd, br)
		}
	})
}

func TestLayerGrad(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		for _, mode := range []string{"overwrite", "add", "in place"} {
			p := newProblem(s, false)
			dout, dx0, sums := gputest.F32(t, dev, p.dout32, s.n, s.d), gputest.Normal(5, s.n*s.d), gputest.Normal(6, s.d)
			dx := gputest.F32(t, dev, dx0, s.n, s.d)
			if mode == "in place" {
				dx = dout
			}
			dgain, dbias := gputest.F32(t, dev, sums, s.d), gputest.F32(t, dev, sums, s.d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				LayerGrad(r, LayerGradArgs{
					X: gputest.F32(t, dev, p.x32, s.n, s.d), Gain: gputest.F32(t, dev, p.gain32, s.d), Mean: gputest.F32(t, dev, narrow(p.mean), s.n),
					RStd: gputest.F32(t, dev, narrow(p.rstd), s.n), DOut: dout, DX: dx, AddDX: mode == "add", DGain: dgain, DBias: dbias,
				})
			})
			if mode != "add" {
				clear(dx0)
			}
			p.checkInput(t, dev, gputest.Read(t, dx), dx0)
			p.checkColumns(t, "dgain", gputest.Read(t, dgain), sums, p.grad.dgain, p.grad.magGain)
			p.checkColumns(t, "dbias", gputest.Read(t, dbias), sums, p.grad.dbias, p.grad.magBias)
		}
	})
}

// TestWithoutOptions leaves out every optional operand.
func TestWithoutOptions(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, rms := range []bool{true, false} {
			s := shape{n: 4, d: 24, inner: 1}
			p := newProblem(s, rms)
			for c := range p.gain {
				p.gain[c], p.oracle.bias[c] = 1, 0
			}
			p.forward()
			x, out := gputest.F32(t, dev, p.x32, s.n, s.d), gputest.F32(t, dev, p.dout32, s.n, s.d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				if rms {
					RMS(r, RMSArgs{X: x, Out: out})
				} else {
					Layer(r, LayerArgs{X: x, Out: out})
				}
			})
			gputest.Close(t, "out", gputest.Read(t, out), p.out, p.bound(dev.SubgroupWidth(), gputest.Eps))
		}
	})
}

func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, d = 17, 200
		x, g := gputest.Normal(1, n*d), gputest.F32(t, dev, gputest.Normal(2, d), d)
		for _, rms := range []bool{true, false} {
			optest.SameRows(t, n, d, func(m int) []float32 {
				in, mean, rstd := gputest.F32(t, dev, x[:m*d], m, d), gputest.F32(t, dev, make([]float32, m), m), gputest.F32(t, dev, make([]float32, m), m)
				out := gputest.F32(t, dev, make([]float32, m*d), m, d)
				gputest.Run(t, dev, func(r *gpu.Recorder) {
					if rms {
						RMS(r, RMSArgs{X: in, Gain: g, Out: out, RStd: rstd})
						RMSGrad(r, RMSGradArgs{X: in, Gain: g, RStd: rstd, DOut: in, DX: out, AddDX: true})
					} else {
						Layer(r, LayerArgs{X: in, Gain: g, Bias: g, Out: out, Mean: mean, RStd: rstd})
						LayerGrad(r, LayerGradArgs{X: in, Gain: g, Mean: mean, RStd: rstd, DOut: in, DX: out, AddDX: true})
					}
				})
				return gputest.Read(t, out)
			})
		}
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		v3, v4 := x.View(0, 3), x.View(0, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":     func(r *gpu.Recorder) { RMS(r, RMSArgs{Gain: v4, Out: x}) },
			"gain":    func(r *gpu.Recorder) { RMS(r, RMSArgs{X: x, Gain: v3.View(0, 2), Out: v4}) },
			"rstd":    func(r *gpu.Recorder) { RMS(r, RMSArgs{X: x, Gain: v4, Out: x, RStd: v4}) },
			"stride":  func(r *gpu.Recorder) { RMS(r, RMSArgs{X: x, Gain: v4, Out: x, LDX: 3}) },
			"too far": func(r *gpu.Recorder) { RMS(r, RMSArgs{X: x, Gain: v4, Out: x, LDX: 5, N: 3}) },
			"groups":  func(r *gpu.Recorder) { RMS(r, RMSArgs{X: x, Gain: v4, Out: x, Inner: 2, N: 3}) },
			"no rstd": func(r *gpu.Recorder) { RMSGrad(r, RMSGradArgs{X: x, Gain: v4, DOut: x, DX: x}) },
			"bias":    func(r *gpu.Recorder) { Layer(r, LayerArgs{X: x, Gain: v4, Bias: v3, Out: x}) },
			"no mean": func(r *gpu.Recorder) { LayerGrad(r, LayerGradArgs{X: x, Gain: v4, RStd: v3, DOut: x, DX: x}) },
		})
	})
}

func BenchmarkNorm(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []shape{{n: 1, d: 768}, {n: 2048, d: 768}, {n: 16384, d: 64}} {
		x, y := gputest.F32(b, dev, gputest.Normal(1, s.n*s.d), s.n, s.d), gputest.F32(b, dev, gputest.Normal(1, s.n*s.d), s.n, s.d)
		g, stat := gputest.F32(b, dev, gputest.Normal(2, s.d), s.d), gputest.F32(b, dev, gputest.Normal(3, s.n), s.n)
		dx, dg := gputest.F32(b, dev, make([]float32, s.n*s.d), s.n, s.d), gputest.F32(b, dev, make([]float32, s.d), s.d)
		run := func(name string, operands int, record func(r *gpu.Recorder)) {
			b.Run(fmt.Sprintf("%s/rows=%d/cols=%d", name, s.n, s.d), func(b *testing.B) { optest.Bench(b, dev, 4*operands*s.n*s.d, s.n, record) })
		}
		run("rms", 2, func(r *gpu.Recorder) { RMS(r, RMSArgs{X: x, Gain: g, Out: y, RStd: stat}) })
		run("layer", 2, func(r *gpu.Recorder) { Layer(r, LayerArgs{X: x, Gain: g, Bias: g, Out: y, RStd: stat}) })
		run("rms-grad", 3, func(r *gpu.Recorder) { RMSGrad(r, RMSGradArgs{X: x, Gain: g, RStd: stat, DOut: y, DX: dx, DGain: dg}) })
		run("layer-grad", 3, func(r *gpu.Recorder) {
			LayerGrad(r, LayerGradArgs{X: x, Gain: g, Mean: stat, RStd: stat, DOut: y, DX: dx, DGain: dg, DBias: dg})
		})
	}
}
