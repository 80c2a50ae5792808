package norm

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// units are rows of heads, of which some are scaled.
type units struct{ n, heads, d, gap, scaled int }

const unitCap = 1.5

// out returns the oracle's result, with the columns behind the heads as they were.
func (u units) out(x, log []float64) []float64 {
	out := append([]float64(nil), x...)
	u.each(x, log, func(at, _ int, rnorm, gain float64) {
		for c := range u.d {
			out[at+c] = gain * rnorm * x[at+c]
		}
	})
	return out
}

func (u units) ld() int { return u.heads*u.d + u.gap }

func (u units) each(x, log []float64, visit func(at, head int, rnorm, gain float64)) {
	for r := range u.n {
		for h := range u.heads {
			at, sum, gain := r*u.ld()+h*u.d, 0.0, 1.0
			for _, v := range x[at : at+u.d] {
				sum += v * v
			}
			if h < u.scaled {
				gain = math.Exp(min(log[h], unitCap))
			}
			visit(at, h, 1/max(math.Sqrt(sum), 1e-12), gain)
		}
	}
}

func (u units) grad(x, log, dout []float64) (dx, dlog []float64) {
	dx, dlog = append([]float64(nil), dout...), make([]float64, u.scaled)
	u.each(x, log, func(at, h int, rnorm, gain float64) {
		along := optest.Dot(x[at:at+u.d], dout[at:at+u.d]) * rnorm
		for c := range u.d {
			dx[at+c] = gain * rnorm * (dout[at+c] - x[at+c]*rnorm*along)
		}
		if h < u.scaled && log[h] <= unitCap {
			dlog[h] += gain * along
		}
	})
	return dx, dlog
}

func (u units) operands() (x, log, dout []float32) {
	x, dout = gputest.Normal(1, u.n*u.ld()), gputest.Normal(2, u.n*u.ld())
	for h := range u.scaled {
		log = append(log, float32(h)-0.4) // some above the cap
	}
	return x, log, dout
}

func TestUnitOracle(t *testing.T) {
	u := units{3, 4, 6, 0, 4}
	x32, log32, dout32 := u.operands()
	x, log, dout := optest.Wide(x32), optest.Wide(log32), optest.Wide(dout32)
	dx, dlog := u.grad(x, log, dout)
	loss := func() float64 { return optest.Dot(u.out(x, log), dout) }
	optest.Gradient(t, "dx", loss, x, dx)
	optest.Gradient(t, "dlog", loss, log, dlog)
}

func TestUnit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, u := range []units{{1, 1, 2, 0, 0}, {5, 6, 16, 48, 3}, {9, 2, 64, 0, 1}, {300, 4, 18, 2, 4}} {
			t.Run(fmt.Sprintf("%+v", u), func(t *testing.T) { testUnit(t, dev, u) })
		}
	})
}

func testUnit(t *testing.T, dev *gpu.Device, u units) {
	x, log, dout := u.operands()
	tensor := func(x []float32) *gpu.Tensor { return gputest.F32(t, dev, x, len(x)/u.ld(), u.ld()) }
	in, out, dx := tensor(x), tensor(x), tensor(dout)
	a := UnitArgs{X: in, Cap: unitCap, N: u.n, Heads: u.heads, HeadDim: u.d, LD: u.ld()}
	var dlog *gpu.Tensor
	if u.scaled > 0 {
		a.Log, dlog = gputest.F32(t, dev, log, u.scaled), gputest.F32(t, dev, make([]float32, u.scaled), u.scaled)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		forward := a
		forward.X, forward.Out = out, out
		Unit(r, forward)
		UnitGrad(r, UnitGradArgs{UnitArgs: a, DOut: dx, DX: dx, DLog: dlog})
	})
	wide, wideLog, wideOut := optest.Wide(x), optest.Wide(log), optest.Wide(dout)
	wantDX, wantDLog := u.grad(wide, wideLog, wideOut)
	bound := func(want []float64, scale float64) []float64 {
		mag := make([]float64, len(want))
		for i := range mag {
			mag[i] = scale * float64(u.d+64) * gputest.Eps
		}
		return mag
	}
	gputest.Close(t, "out", gputest.Read(t, out), u.out(wide, wideLog), bound(wide, math.Exp(unitCap)))
	most := 0.0 // of the terms of dx and dlog
	u.each(wide, wideLog, func(at, _ int, rnorm, gain float64) {
		norm := math.Sqrt(optest.Dot(wideOut[at:at+u.d], wideOut[at:at+u.d]))
		most = max(most, gain*norm, gain*rnorm*2*norm)
	})
	gputest.Close(t, "dx", gputest.Read(t, dx), wantDX, bound(wantDX, most))
	if dlog != nil {
		gputest.Close(t, "dlog", gputest.Read(t, dlog), wantDLog, bound(wantDLog, most*float64(u.n)))
	}
}

func TestUnitErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 24), 2, 12)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"odd":    func(r *gpu.Recorder) { Unit(r, UnitArgs{X: x, Out: x, N: 2, Heads: 4, HeadDim: 3}) },
			"apart":  func(r *gpu.Recorder) { Unit(r, UnitArgs{X: x, Out: x, N: 2, Heads: 2, HeadDim: 6, LD: 10}) },
			"scaled": func(r *gpu.Recorder) { Unit(r, UnitArgs{X: x, Out: x, Log: x, N: 2, Heads: 2, HeadDim: 6}) },
			"dout": func(r *gpu.Recorder) {
				UnitGrad(r, UnitGradArgs{UnitArgs: UnitArgs{X: x, N: 2, Heads: 2, HeadDim: 6}, DX: x})
			},
		})
	})
}
