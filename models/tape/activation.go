package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
)

// SwiGLU is activation.SwiGLU of x [n, 2·d]: [n, d].
func (t *Tape) SwiGLU(x *Value) *Value {
	y := t.temp(x.X.Rows(), x.X.Dim(-1)/2)
	activation.SwiGLU(t.r, activation.SwiGLUArgs{X: x.X, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		t.into(x, func(g *gpu.Tensor) {
			activation.SwiGLUGrad(t.r, activation.SwiGLUGradArgs{X: t.kept(x), DOut: dy, DX: g})
		})
	})
	return y
}

// GELU is activation.GELU of x [n, d], in its tanh form.
func (t *Tape) GELU(x *Value) *Value {
	y := t.temp(x.X.Shape...)
	activation.GELU(t.r, activation.GELUArgs{X: x.X, Out: y.X, Tanh: true})
	t.push(y, func(dy *gpu.Tensor) {
		t.into(x, func(g *gpu.Tensor) {
			activation.GELUGrad(t.r, activation.GELUGradArgs{X: t.kept(x), DOut: dy, DX: g, Tanh: true})
		})
	})
	return y
}
