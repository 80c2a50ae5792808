package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
)

// Sum is a + b, both [n, d].
func (t *Tape) Sum(a, b *Value) *Value {
	y := t.temp(a.X.Shape...)
	elementwise.Add(t.r, elementwise.AddArgs{A: a.X, B: b.X, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		t.into(a, func(g *gpu.Tensor) { t.r.Copy(g, dy) })
		t.into(b, func(g *gpu.Tensor) { t.r.Copy(g, dy) })
	})
	return y
}
