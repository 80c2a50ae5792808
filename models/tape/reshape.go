package tape

import "github.com/morton-gen/morton/gpu"

// Reshape returns x with other extents, of as many elements. It shares x's memory:
// nothing may change x in place afterwards.
func (t *Tape) Reshape(x *Value, shape ...int) *Value {
	y := &Value{X: x.X.View(0, shape...)}
	t.push(y, func(dy *gpu.Tensor) { t.accumulate(x, dy.View(0, x.X.Shape...)) })
	return y
}
