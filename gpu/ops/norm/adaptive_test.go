package norm

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// modShape is b samples of m rows of d columns, modulated by rows d+gap apart.
type modShape struct{ b, m, d, gap int }

var modShapes = []modShape{{1, 1, 1, 0}, {3, 5, 32, 0}, {2, 130, 7, 3}, {17, 1, 66, 6}, {1, 70, 12, 1}}

func (s modShape) ld() int  { return s.d + s.gap }
func (s modShape) len() int { return (s.b-1)*s.ld() + s.d }

// modOracle holds one oracle a sample, whose gain is 1 + scale.
type modOracle struct {
	modShape
	samples                       []*oracle
	x32, dout32, scale32, shift32 []float32
}

func newMod(s modShape, rms bool) *modOracle {
	o := &modOracle{
		modShape: s, x32: gputest.Normal(1, s.b*s.m*s.d), dout32: gputest.Normal(2, s.b*s.m*s.d),
		scale32: gputest.Normal(3, s.len()), shift32: gputest.Normal(4, s.len()),
	}
	for i := range s.b {
		one := &oracle{rms: rms, n: s.m, d: s.d, x: optest.Wide(o.x32[i*s.m*s.d : (i+1)*s.m*s.d]), bias: optest.Wide(o.shift32[i*s.ld() : i*s.ld()+s.d])}
		for _, v := range o.scale32[i*s.ld() : i*s.ld()+s.d] {
			one.gain = append(one.gain, 1+float64(v))
		}
		one.forward()
		o.samples = append(o.samples, one)
	}
	return o
}

func (o *modOracle) tensors(t testing.TB, dev *gpu.Device) (x, dout, scale, shift *gpu.Tensor) {
	return gputest.F32(t, dev, o.x32, o.b*o.m, o.d), gputest.F32(t, dev, o.dout32, o.b*o.m, o.d),
		gputest.F32(t, dev, o.scale32, o.len()), gputest.F32(t, dev, o.shift32, o.len())
}

func eachMod(t *testing.T, body func(t *testing.T, dev *gpu.Device, s modShape, rms bool)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range modShapes {
			for _, rms := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v/rms=%v", s, rms), func(t *testing.T) { body(t, dev, s, rms) })
			}
		}
	})
}

func TestAdaptive(t *testing.T) {
	eachMod(t, func(t *testing.T, dev *gpu.Device, s modShape, rms bool) {
		o := newMod(s, rms)
		x, out, scale, shift := o.tensors(t, dev)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Adaptive(r, AdaptiveArgs{X: x, Scale: scale, Shift: shift, Out: out, RMS: rms, B: s.b, LDMod: s.ld()})
		})
		var want, bound []float64
		for _, one := range o.samples {
			want, bound = append(want, one.out...), append(bound, one.bound(dev.SubgroupWidth(), gputest.Eps)...)
		}
		for i := range bound { // one more rounding, of 1 + scale
			bound[i] += gputest.Eps * (1 + math.Abs(want[i])) * 4
		}
		gputest.Close(t, "out", gputest.Read(t, out), want, bound)
	})
}

func TestAdaptiveGrad(t *testing.T) {
	eachMod(t, func(t *testing.T, dev *gpu.Device, s modShape, rms bool) {
		for _, add := range []bool{false, true} {
			o := newMod(s, rms)
			x, dout, scale, dshift := o.tensors(t, dev)
			dscale, dx := gputest.F32(t, dev, o.shift32, o.len()), gputest.F32(t, dev, o.x32, s.b*s.m, s.d)
			var mean, rstd []float64
			for _, one := range o.samples {
				mean, rstd = append(mean, one.mean...), append(rstd, one.rstd...)
			}
			a := AdaptiveGradArgs{X: x, Scale: scale, RStd: gputest.F32(t, dev, narrow(rstd), s.b*s.m), DOut: dout, DX: dx, AddDX: add, DScale: dscale, DShift: dshift, RMS: rms, B: s.b, LDMod: s.ld()}
			if rms {
				a.DShift = nil
			} else {
				a.Mean = gputest.F32(t, dev, narrow(mean), s.b*s.m)
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) { AdaptiveGrad(r, a) })
			o.checkGrad(t, dev.SubgroupWidth(), gputest.Read(t, dx), add, map[string][]float32{"dscale": gputest.Read(t, dscale), "dshift": gputest.Read(t, dshift)}, rms)
		}
	})
}

// checkGrad holds dx, and the tables that started as shift32, against the oracle.
func (o *modOracle) checkGrad(t *testing.T, w int, dx []float32, add bool, tables map[string][]float32, rms bool) {
	t.Helper()
	var want, bound []float64
	scale, boundScale := optest.Wide(o.shift32), make([]float64, o.len())
	shift, boundShift := optest.Wide(o.shift32), make([]float64, o.len())
	_, height := launch.Blocks(o.m)
	for i, one := range o.samples {
		g := one.backward(optest.Wide(o.dout32[i*o.m*o.d : (i+1)*o.m*o.d]))
		want, bound = append(want, g.dx...), append(bound, scaled(g.magX, float64(o.d/w+28)*gputest.Eps)...)
		for c := range o.d {
			at := i*o.ld() + c
			scale[at] += g.dgain[c]
			boundScale[at] = gputest.Eps * (float64(height+72)*g.magGain[c] + 2*math.Abs(scale[at]) + 2*math.Abs(float64(o.shift32[at])))
			if !rms {
				shift[at] += g.dbias[c]
				boundShift[at] = gputest.Eps * (float64(height+72)*g.magBias[c] + 2*math.Abs(shift[at]) + 2*math.Abs(float64(o.shift32[at])))
			}
		}
	}
	for i, v := range optest.Wide(o.x32) {
		if add {
			want[i] += v
			bound[i] += 2 * gputest.Eps * math.Abs(v)
		}
	}
	gputest.Close(t, "dx", dx, want, bound)
	gputest.Close(t, "dscale", tables["dscale"], scale, boundScale)
	gputest.Close(t, "dshift", tables["dshift"], shift, boundShift)
}

func gate64(s modShape, x, gate, residual []float64) []float64 {
	out := make([]float64, len(x))
	for i := range out {
		out[i] = residual[i] + gate[i/(s.m*s.d)*s.ld()+i%s.d]*x[i]
	}
	return out
}

// gateGrad64 returns dx and dgate, and the magnitudes of dgate's terms.
func gateGrad64(s modShape, x, gate, dout []float64) (dx, dgate, mag []float64) {
	dx, dgate, mag = make([]float64, len(x)), make([]float64, s.len()), make([]float64, s.len())
	for i, d := range dout {
		at := i/(s.m*s.d)*s.ld() + i%s.d
		dx[i] = gate[at] * d
		dgate[at] += d * x[i]
		mag[at] += math.Abs(d * x[i])
	}
	return dx, dgate, mag
}

func TestGateOracleGradients(t *testing.T) {
	s := modShape{2, 3, 4, 1}
	o := newMod(s, true)
	x, gate, dout := optest.Wide(o.x32), optest.Wide(o.scale32), optest.Wide(o.dout32)
	dx, dgate, _ := gateGrad64(s, x, gate, dout)
	loss := func() float64 { return optest.Dot(gate64(s, x, gate, dout), dout) }
	optest.Gradient(t, "dx", loss, x, dx)
	optest.Gradient(t, "dgate", loss, gate, dgate)
}

func TestGate(t *testing.T) {
	eachMod(t, func(t *testing.T, dev *gpu.Device, s modShape, inPlace bool) {
		o := newMod(s, true)
		x, residual, gate, _ := o.tensors(t, dev)
		out := residual
		if !inPlace {
			out = gputest.F32(t, dev, o.x32, s.b*s.m, s.d)
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Gate(r, GateArgs{X: x, Gate: gate, Residual: residual, Out: out, B: s.b, LDMod: s.ld()})
		})
		x64, g64, r64 := optest.Wide(o.x32), optest.Wide(o.scale32), optest.Wide(o.dout32)
		want, bound := gate64(s, x64, g64, r64), make([]float64, len(x64))
		for i, v := range want {
			bound[i] = 2 * gputest.Eps * (math.Abs(r64[i]) + math.Abs(v-r64[i]))
		}
		gputest.Close(t, "out", gputest.Read(t, out), want, bound)
	})
}

func TestGateGrad(t *testing.T) {
	eachMod(t, func(t *testing.T, dev *gpu.Device, s modShape, add bool) {
		o := newMod(s, true)
		x, dout, gate, dgate := o.tensors(t, dev)
		dx := gputest.F32(t, dev, o.x32, s.b*s.m, s.d)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			GateGrad(r, GateGradArgs{X: x, Gate: gate, DOut: dout, DX: dx, AddDX: add, DGate: dgate, B: s.b, LDMod: s.ld()})
		})
		x64 := optest.Wide(o.x32)
		want, table, mag := gateGrad64(s, x64, optest.Wide(o.scale32), optest.Wide(o.dout32))
		bound := make([]float64, len(want))
		for i, v := range want {
			bound[i] = 2 * gputest.Eps * math.Abs(v)
			if add {
				want[i] += x64[i]
				bound[i] += 2 * gputest.Eps * math.Abs(x64[i])
			}
		}
		for i := range table {
			before := float64(o.shift32[i])
			table[i] += before
			mag[i] = gputest.Eps * (140*mag[i] + 2*math.Abs(before) + 2*math.Abs(table[i]))
		}
		gputest.Close(t, "dx", gputest.Read(t, dx), want, bound)
		gputest.Close(t, "dgate", gputest.Read(t, dgate), table, mag)
	})
}

func TestAdaptiveShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 24), 6, 4)
		v4, v8, ids := x.View(0, 4), x.View(0, 8), gputest.I32(t, dev, make([]int32, 6), 6)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"samples": func(r *gpu.Recorder) { Adaptive(r, AdaptiveArgs{X: x, Scale: x, Out: x, B: 4}) },
			"scale":   func(r *gpu.Recorder) { Adaptive(r, AdaptiveArgs{X: x, Scale: v4, Out: x, B: 2}) },
			"stride":  func(r *gpu.Recorder) { Adaptive(r, AdaptiveArgs{X: x, Scale: x, Out: x, B: 2, LDMod: 3}) },
			"mean":    func(r *gpu.Recorder) { Adaptive(r, AdaptiveArgs{X: x, Scale: v8, Mean: ids, Out: x, B: 2, RMS: true}) },
			"grad mean": func(r *gpu.Recorder) {
				AdaptiveGrad(r, AdaptiveGradArgs{X: x, Scale: v8, RStd: x.View(0, 6), DOut: x, DX: x, B: 2})
			},
			"gate":      func(r *gpu.Recorder) { Gate(r, GateArgs{X: x, Gate: v4, Out: x, B: 2}) },
			"gate grad": func(r *gpu.Recorder) { GateGrad(r, GateGradArgs{X: x, Gate: v8, DOut: v8, DX: x, B: 2}) },
			"groups":    func(r *gpu.Recorder) { Group(r, GroupArgs{X: x, Out: x, Groups: 3}) },
			"rows":      func(r *gpu.Recorder) { Group(r, GroupArgs{X: x, Out: x, Groups: 2, Samples: Samples{B: 4}}) },
			"of": func(r *gpu.Recorder) {
				Group(r, GroupArgs{X: x, Out: x, Groups: 2, Samples: Samples{B: 5, Starts: ids}})
			},
		})
	})
}

func BenchmarkAdaptive(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const samples, m, d = 4, 680, 1024
	o := newMod(modShape{samples, m, d, 0}, false)
	x, y, scale, shift := o.tensors(b, dev)
	stat, dx := gputest.F32(b, dev, gputest.Normal(5, samples*m), samples*m), gputest.F32(b, dev, o.x32, samples*m, d)
	run := func(name string, operands int, record func(r *gpu.Recorder)) {
		b.Run(fmt.Sprintf("%s/rows=%d/cols=%d", name, samples*m, d), func(b *testing.B) { optest.Bench(b, dev, 4*operands*samples*m*d, samples*m, record) })
	}
	run("adaptive", 2, func(r *gpu.Recorder) { Adaptive(r, AdaptiveArgs{X: x, Scale: scale, Shift: shift, Out: y, B: samples}) })
	run("adaptive-grad", 3, func(r *gpu.Recorder) {
		AdaptiveGrad(r, AdaptiveGradArgs{X: x, Scale: scale, Mean: stat, RStd: stat, DOut: y, DX: dx, DScale: shift, DShift: shift, B: samples})
	})
	run("gate", 3, func(r *gpu.Recorder) { Gate(r, GateArgs{X: x, Gate: scale, Residual: y, Out: dx, B: samples}) })
	run("gate-grad", 3, func(r *gpu.Recorder) {
		GateGrad(r, GateGradArgs{X: x, Gate: scale, DOut: y, DX: dx, DGate: shift, B: samples})
	})
}

func TestModulate(t *testing.T) {
	eachMod(t, func(t *testing.T, dev *gpu.Device, s modShape, inPlace bool) {
		o := newMod(s, true)
		x, out, scale, shift := o.tensors(t, dev)
		heat := gputest.Normal(9, 3*s.b)
		if inPlace {
			out = x
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			a := ModulateArgs{X: x, Scale: scale, Shift: shift, Out: out, B: s.b, LDMod: s.ld()}
			if inPlace {
				a.Heat = gputest.F32(t, dev, heat, s.b, 3)
			}
			Modulate(r, a)
		})
		n := s.m * s.d
		want, bound := make([]float64, s.b*n), make([]float64, s.b*n)
		for i := range want {
			at := i/n*s.ld() + i%s.d
			moved := float64(o.x32[i]) * (1 + float64(o.scale32[at]))
			shift := float64(o.shift32[at])
			if inPlace {
				shift *= float64(heat[i/n*3])
			}
			want[i] = moved + shift
			bound[i] = 4 * gputest.Eps * (math.Abs(moved) + math.Abs(shift))
		}
		gputest.Close(t, "out", gputest.Read(t, out), want, bound)
	})
}
