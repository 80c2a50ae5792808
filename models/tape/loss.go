package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/gpu/tensor"
)

// A loss starts the backward pass: it replaces its input by the gradient, and
// nothing may read the input afterwards.

// LossArgs are the operands of SoftmaxCE and BitsBCE, as in package loss.
type LossArgs struct {
	Targets, Weight, Loss *gpu.Tensor
}

// SoftmaxCE is loss.SoftmaxCE of logits [n, s·v], s tokens of v values a row.
func (t *Tape) SoftmaxCE(logits *Value, v int, a LossArgs) {
	rows := logits.X.View(0, logits.X.Elems()/v, v)
	args := loss.SoftmaxCEArgs{Logits: rows, Targets: a.Targets, Weight: a.Weight, Loss: a.Loss}
	if t.replace(logits) != nil {
		args.DLogits = rows
	}
	loss.SoftmaxCE(t.r, args)
}

// BitsBCE is loss.BitsBCE of logits [n, bits].
func (t *Tape) BitsBCE(logits *Value, a LossArgs) {
	loss.BitsBCE(t.r, loss.BitsBCEArgs{Logits: logits.X, Targets: a.Targets, Weight: a.Weight, Loss: a.Loss, DLogits: t.replace(logits)})
}

// MSE is elementwise.MSE between x and y, both [n, d], with one weight: loss [n].
func (t *Tape) MSE(x *Value, y *gpu.Tensor, weight float32, rows *gpu.Tensor) {
	elementwise.MSE(t.r, elementwise.MSEArgs{X: x.X, Y: y, Weight: weight, Loss: rows, DX: t.replace(x)})
}

// Noise is loss.Noise of what a network says, [n, c] or [n, 2c].
func (t *Tape) Noise(said *Value, a loss.NoiseArgs) {
	a.Said, a.DSaid = said.X, t.replace(said)
	loss.Noise(t.r, a)
}

// Energy is loss.Energy of samples, [2n, c]: one of each row, then another of each.
func (t *Tape) Energy(samples *Value, a loss.EnergyArgs) {
	n, c := samples.X.Rows()/2, samples.X.Dim(-1)
	halves := func(x *gpu.Tensor) (a, b *gpu.Tensor) { return x.View(0, n, c), x.View(n*c, n, c) }
	a.A, a.B = halves(samples.X)
	if d := t.replace(samples); d != nil {
		a.DA, a.DB = halves(d)
	}
	loss.Energy(t.r, a)
}

// replace makes x's tensor its gradient, if the tape trains.
func (t *Tape) replace(x *Value) *gpu.Tensor {
	if !t.training {
		return nil
	}
	x.grad = x.X
	return x.X
}

// Pixels is loss.Pixels of x, whose gradient replaces a.DX.
func (t *Tape) Pixels(x *Value, a loss.PixelsArgs) {
	a.X, a.DX = x.X, nil
	if t.training {
		x.grad = t.r.Temp(tensor.F32, x.X.Shape...)
		a.DX = x.grad
	}
	loss.Pixels(t.r, a)
}
