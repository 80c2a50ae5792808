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
