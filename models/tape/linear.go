package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
)

// LinearArgs are the operands of Linear beside x.
type LinearArgs struct {
	W        *Value  // [out, in]
	Bias     *Value  // [out], optional
	Residual *Value  // [n, out], optional: added to the result
	Alpha    float32 // scales the product; 0 means 1
}

// Linear is y = alpha·x·Wᵀ + bias + residual, for x [n, in]. Its errors are those
// of matmul.Record.
func (t *Tape) Linear(x *Value, a LinearArgs) *Value {
	if a.Alpha == 0 {
		a.Alpha = 1
	}
	y := t.temp(x.X.Rows(), a.W.X.Dim(0))
	m := matmul.Args{Layout: matmul.NT, A: x.X, B: a.W.X, C: y.X, Alpha: a.Alpha, Add: a.Residual != nil}
	if a.Bias != nil {
		m.Bias = a.Bias.X
	}
	if a.Residual != nil {
		t.r.Copy(y.X, a.Residual.X)
	}
	matmul.Record(t.r, m)
	t.push(y, func(dy *gpu.Tensor) { t.linearGrad(x, a, dy) })
	return y
}

func (t *Tape) linearGrad(x *Value, a LinearArgs, dy *gpu.Tensor) {
	if dx, add := t.sink(x); dx != nil {
		matmul.Record(t.r, matmul.Args{Layout: matmul.NN, A: dy, B: a.W.X, C: dx, Alpha: a.Alpha, Add: add})
	}
	if dw, add := t.sink(a.W); dw != nil {
		matmul.Record(t.r, matmul.Args{Layout: matmul.TN, A: dy, B: x.X, C: dw, Alpha: a.Alpha, Add: add})
	}
	if a.Bias != nil {
		if db, add := t.sink(a.Bias); db != nil {
			elementwise.ColumnSum(t.r, elementwise.ColumnSumArgs{X: dy, Out: db, Add: add})
		}
	}
	if a.Residual != nil {
		t.hand(a.Residual, dy) // last: what adds to it now is behind it in time
	}
}
