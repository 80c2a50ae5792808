package attention

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// TestOracleGradients checks the oracle's own backward by central differences.
func TestOracleGradients(t *testing.T) {
	for name, mask := range masks {
		l := newLayout(shape{b: 2, n: 6, nk: 7, h: 4, g: 2, dh: 4, window: 5, lag: 1}, mask)
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

// train runs Forward and Backward and returns Out, DQ, DK and DV.
func (l *layout) train(t *testing.T, dev *gpu.Device) [4][]float32 {
	rows, keys, d := l.b*l.n, l.b*l.nk, l.h*l.dh
	dkv := gputest.F32(t, dev, nans(keys*l.ldkv()), keys, l.ldkv())
	args := l.args(t, dev)
	if l.spans != nil {
		args.KeyK, args.Most = nil, l.most
		args.Spans = gputest.I32(t, dev, l.spans, len(l.spans)/3, 3)
	}
	a := BackwardArgs{
		Args: args, DOut: gputest.F32(t, dev, l.do, rows, d), DQ: gputest.F32(t, dev, nans(rows*d), rows, d),
		DK: dkv, DV: tail(dkv, l.ldkv()/2), LDDK: l.ldkv(), LDDV: l.ldkv(),
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Forward(r, a.Args)
		Backward(r, a)
	})
	both := split(gputest.Read(t, dkv), l.ldkv()/2)
	return [4][]float32{gputest.Read(t, a.Out), gputest.Read(t, a.DQ), both[0], both[1]}
}

func TestBackwardMatchesOracle(t *testing.T) {
	eachCase(t, func(t *testing.T, dev *gpu.Device, l *layout) {
		g, e := l.backward(appendF64(nil, l.do))
		got := l.train(t, dev)
		gputest.Close(t, "dq", got[1], g.q, e.q)
		gputest.Close(t, "dk", got[2], g.k, e.k)
		gputest.Close(t, "dv", got[3], g.v, e.v)
	})
}

// split cuts rows of 2d into two dense matrices.
func split(x []float32, d int) (out [2][]float32) {
	for i := 0; i < len(x); i += d {
		out[i/d%2] = append(out[i/d%2], x[i:i+d]...)
	}
	return out
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(2, 6, 2, 4), masks["all"])
		for name, spoil := range map[string]func(a *Args){
			"no key":       func(a *Args) { a.KeyQ = nil },
			"odd dh":       func(a *Args) { a.HeadDim = 3 },
			"wide dh":      func(a *Args) { a.HeadDim = 258 },
			"groups":       func(a *Args) { a.Heads, a.KVHeads = 3, 2 },
			"window":       func(a *Args) { a.Window = -1 },
			"more keys":    func(a *Args) { a.NK = 7 },
			"short v":      func(a *Args) { a.V = a.V.View(0, 8) },
			"odd stride":   func(a *Args) { a.LDQ = 11 },
			"small stride": func(a *Args) { a.LDK = 6 },
			"short lse":    func(a *Args) { a.LSE = a.LSE.View(0, 2, 2, 5) },
			"float key":    func(a *Args) { a.KeyQ = a.Q },
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
