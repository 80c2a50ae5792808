package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Layer is norm.Layer of x [n, d] with gain and bias [d].
func (t *Tape) Layer(x, gain, bias *Value, eps float32) *Value {
	y := t.temp(x.X.Shape...)
	var mean, rstd *gpu.Tensor
	if t.training {
		mean, rstd = t.r.Temp(tensor.F32, x.X.Rows()), t.r.Temp(tensor.F32, x.X.Rows())
	}
	norm.Layer(t.r, norm.LayerArgs{X: x.X, Gain: gain.X, Bias: bias.X, Out: y.X, Mean: mean, RStd: rstd, Eps: eps})
	t.push(y, func(dy *gpu.Tensor) {
		dx, add := t.sink(x)
		norm.LayerGrad(t.r, norm.LayerGradArgs{X: x.X, Gain: gain.X, Mean: mean, RStd: rstd, DOut: dy, DX: dx, AddDX: add, DGain: gain.grad, DBias: bias.grad})
	})
	return y
}

// SiLU is activation.SiLU of x.
func (t *Tape) SiLU(x *Value) *Value {
	y := t.temp(x.X.Shape...)
	activation.SiLU(t.r, activation.SiLUArgs{X: x.X, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		t.into(x, func(g *gpu.Tensor) { activation.SiLUGrad(t.r, activation.SiLUGradArgs{X: t.kept(x), DOut: dy, DX: g}) })
	})
	return y
}

// ExactGELU is activation.GELU of x, in its exact form.
func (t *Tape) ExactGELU(x *Value) *Value {
	y := t.temp(x.X.Shape...)
	activation.GELU(t.r, activation.GELUArgs{X: x.X, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		t.into(x, func(g *gpu.Tensor) { activation.GELUGrad(t.r, activation.GELUGradArgs{X: t.kept(x), DOut: dy, DX: g}) })
	})
	return y
}

// GatherArgs are the operands of Gather beside x.
type GatherArgs struct {
	IDs          *gpu.Tensor // i32 [m] or [m, k]: rows of x; outside of it: zeros
	Starts, Rows *gpu.Tensor // where each row of x stands, see embed.Index; only the gradient needs them
}

// Gather is rows.Gather of x [n, d], the rows of a row's ids side by side: [m, k·d].
func (t *Tape) Gather(x *Value, a GatherArgs) *Value {
	m, d := a.IDs.Dim(0), x.X.Dim(-1)
	k := a.IDs.Elems() / m
	y := t.temp(m, k*d)
	rows.Gather(t.r, rows.GatherArgs{X: x.X, IDs: a.IDs, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		if dx, add := t.sink(x); dx != nil {
			rows.Segment(t.r, rows.SegmentArgs{X: dy.View(0, m*k, d), Starts: a.Starts, Rows: a.Rows, Out: dx, Add: add})
		}
	})
	return y
}

// Modulate is norm.Modulate of x [n, d], each row by its own scale and shift: mod is [n,
// 2·d], the scales and then the shifts.
func (t *Tape) Modulate(x, mod *Value) *Value {
	n, d := x.X.Rows(), x.X.Dim(-1)
	y := t.temp(n, d)
	scale, shift := mod.X.View(0, 2*n*d-d), mod.X.View(d, 2*n*d-d)
	norm.Modulate(t.r, norm.ModulateArgs{X: x.X, Scale: scale, Shift: shift, Out: y.X, B: n, LDMod: 2 * d})
	t.push(y, func(dy *gpu.Tensor) {
		if dm, add := t.sink(mod); dm != nil {
			if !add {
				t.r.Fill(dm, 0)
			}
			ones := t.r.Temp(tensor.F32, n, d)
			t.r.Fill(ones, gpu.F32Param(1))
			norm.GateGrad(t.r, norm.GateGradArgs{X: x.X, Gate: scale, DOut: dy, DGate: dm.View(0, 2*n*d-d), B: n, LDMod: 2 * d})
			norm.GateGrad(t.r, norm.GateGradArgs{X: ones, Gate: scale, DOut: dy, DGate: dm.View(d, 2*n*d-d), B: n, LDMod: 2 * d})
		}
		if dx, add := t.sink(x); dx != nil {
			norm.GateGrad(t.r, norm.GateGradArgs{X: x.X, Gate: scale, DOut: dy, DX: dx, AddDX: add, B: n, LDMod: 2 * d})
		}
		t.hand(x, dy) // last: what adds to it now is behind it in time
	})
	return y
}
