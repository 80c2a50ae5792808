package tape

import "github.com/morton-gen/morton/gpu"

// Recompute returns f(x) and keeps only x and the result. What the gradients need is
// computed again before them. The operations are the same, so the bits are. It trades a
// forward pass of f for its memory. f must record nothing that must not happen twice.
func (t *Tape) Recompute(x *Value, f func(*Tape, *Value) *Value) *Value {
	if !t.training {
		return f(t, x)
	}
	y := &Value{X: f(&Tape{r: t.r, Coarse: t.Coarse}, Constant(x.X)).X}
	t.push(y, func(dy *gpu.Tensor) {
		again, in := &Tape{r: t.r, training: true, Coarse: t.Coarse}, &Value{X: x.X, fixed: x.fixed}
		f(again, in).grad = dy
		again.Backward()
		if in.grad != nil {
			t.accumulate(x, in.grad)
		}
	})
	return y
}
