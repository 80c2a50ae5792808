package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
)

// RMS is norm.RMS of x [n, d] with gain [d].
func (t *Tape) RMS(x, gain *Value, eps float32) *Value {
	y := t.temp(x.X.Shape...)
	var rstd *gpu.Tensor
	if t.training {
		rstd = t.r.Temp(tensor.F32, x.X.Rows())
	}
	norm.RMS(t.r, norm.RMSArgs{X: x.X, Gain: gain.X, Out: y.X, RStd: rstd, Eps: eps})
	t.push(y, func(dy *gpu.Tensor) {
		dx, add := t.sink(x)
		norm.RMSGrad(t.r, norm.RMSGradArgs{X: x.X, Gain: gain.X, RStd: rstd, DOut: dy, DX: dx, AddDX: add, DGain: gain.grad})
	})
	return y
}
