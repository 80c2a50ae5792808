package attention

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// TestOracleGradients checks the oracle's own backward by central differences.
func TestOracleGradients(t *testing.T) {
	for name, mask := range masks {
		l := newLayout(shape{2, 6, 2, 4}, mask)
		do := appendF64(nil, l.do)
		g, _ := l.backward(do)
		for what, pair := range map[string][2][]float64{"q": {l.q, g.q}, "k": {l.k, g.k}, "v": {l.v, g.v}} {
			for i := range pair[0] {
				if want := slope(&l.problem, do, &pair[0][i]); !(math.Abs(want-pair[1][i]) <= 1e-6*(1+math.Abs(want))) {
					t.Fatalf("%s: d%s[%d] = %g, differences give %g", name, what, i, pair[1][i], want)
				}
			}
		}
	}
}

// slope is the derivative of Σ do·Out by *x.
func slope(p *problem, do []float64, x *float64) float64 {
	const eps = 1e-5
	at, sides := *x, [2]float64{}
	for i, d := range []float64{eps, -eps} {
		*x = at + d
		out, _ := p.forward()
		sides[i], _ = dot(out, do)
	}
	*x = at
	return (sides[0] - sides[1]) / (2 * eps)
}

func TestBackwardMatchesOracle(t *testing.T) {
	eachCase(t, func(t *testing.T, dev *gpu.Device, l *layout) {
		d, rows := l.h*l.dh, l.b*l.n
		a := BackwardArgs{Args: l.args(t, dev), DOut: gputest.F32(t, dev, l.do, rows, d), LDDQ: 3 * d, LDDK: 3 * d, LDDV: 3 * d}
		dqkv := gputest.F32(t, dev, nans(rows*3*d), rows, 3*d)
		a.DQ, a.DK, a.DV = dqkv, tail(dqkv, d), tail(dqkv, 2*d)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Forward(r, a.Args)
			Backward(r, a)
		})
		g, e := l.backward(appendF64(nil, l.do))
		got := split(gputest.Read(t, dqkv), d)
		gputest.Close(t, "dq", got[0], g.q, e.q)
		gputest.Close(t, "dk", got[1], g.k, e.k)
		gputest.Close(t, "dv", got[2], g.v, e.v)
	})
}

// TestSoftmaxBackIgnoresThePad: a temporary's pad column may hold anything.
func TestSoftmaxBackIgnoresThePad(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		nan := float32(math.NaN())
		p, ds := gputest.F32(t, dev, []float32{0.25, 0.5, 0.25, 0}, 1, 4), gputest.F32(t, dev, []float32{1, 2, 4, nan}, 1, 4)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			r.Dispatch(gpu.Call{Kernel: launch.Kernel(shaders, "attention", "softmax_back"), In: []*gpu.Tensor{p}, Out: []*gpu.Tensor{ds}, Params: []uint32{1, 3, gpu.F32Param(2)}})
		})
		sameBits(t, "ds", gputest.Read(t, ds), []float32{-0.625, -0.25, 0.875, 0})
	})
}

// split cuts rows of 3d into three dense matrices.
func split(x []float32, d int) (out [3][]float32) {
	for i := 0; i < len(x); i += d {
		out[i/d%3] = append(out[i/d%3], x[i:i+d]...)
	}
	return out
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(shape{2, 6, 2, 4}, masks["all"])
		for name, spoil := range map[string]func(a *Args){
			"no key":       func(a *Args) { a.Key = nil },
			"odd dh":       func(a *Args) { a.HeadDim = 3 },
			"short v":      func(a *Args) { a.V = a.V.View(0, 8) },
			"odd stride":   func(a *Args) { a.LDQ = 25 },
			"small stride": func(a *Args) { a.LDK = 6 },
			"short probs":  func(a *Args) { a.Probs = a.Probs.View(0, 2, 2, 6, 5) },
			"float key":    func(a *Args) { a.Key = a.Q },
		} {
			rec := dev.NewRecorder()
			a := l.args(t, dev)
			spoil(&a)
			Forward(rec, a)
			if _, err := rec.Finish(); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("Forward, %s: error %v", name, err)
			}
			rec = dev.NewRecorder()
			Backward(rec, BackwardArgs{Args: a, DOut: a.Out, DQ: a.Q, DK: a.K, DV: a.V})
			if _, err := rec.Finish(); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("Backward, %s: error %v", name, err)
			}
		}
	})
}
