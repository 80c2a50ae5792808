package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// LinearArgs are the operands of Linear beside x.
type LinearArgs struct {
	W        *Value  // [out, in]
	Bias     *Value  // [out], optional
	Residual *Value  // [n, out], optional: added to the result
	Alpha    float32 // scales the product; 0 means 1
	// Round rounds the result to W.Half's type, if there is one, and keeps it so for
	// the backward pass. It goes with no residual.
	Round bool
}

// Linear is y = alpha·x·Wᵀ + bias + residual, for x [n, in]. Its errors are those
// of matmul.Record.
//
// If W has a Half, the product is of it and of x rounded to its type. So are the
// products of the gradients, with dy rounded too if its columns are a multiple of four.
// All add in f32, and dx and dW are f32. The gradient of rounding is taken for 1.
func (t *Tape) Linear(x *Value, a LinearArgs) *Value {
	if a.Alpha == 0 {
		a.Alpha = 1
	}
	m := matmul.Args{Layout: matmul.NT, Alpha: a.Alpha, Add: a.Residual != nil}
	m.A, m.B = t.operands(x, a.W)
	dt := tensor.F32
	if a.Round {
		dt = m.B.DType
	}
	m.C = t.r.Temp(dt, x.X.Rows(), a.W.X.Dim(0))
	if a.Bias != nil {
		m.Bias = a.Bias.X
	}
	if a.Residual != nil {
		t.r.Copy(m.C, a.Residual.X)
	}
	t.product(m)
	y := &Value{X: m.C}
	if dt != tensor.F32 {
		y = &Value{X: t.widen(m.C), Half: m.C}
	}
	t.push(y, func(dy *gpu.Tensor) { t.linearGrad(x, a, dy) })
	return y
}

// product adds a product to the program. Operands of f16 lose nothing in cooperative
// matrices, whose products are exact and whose sums are f32. Those of f32 lose what
// matmul.Args.Coop says, and take them only with Coarse.
func (t *Tape) product(m matmul.Args) {
	if m.A.DType == tensor.F16 && m.B.DType == tensor.F16 || t.Coarse {
		m.Coop = matmul.MayCoop
	}
	matmul.Record(t.r, m)
}

// operands returns what a product with w reads.
func (t *Tape) operands(x, w *Value) (a, b *gpu.Tensor) {
	if w.Half == nil {
		return x.X, w.X
	}
	return t.half(x, w.Half.DType), w.Half
}

func (t *Tape) linearGrad(x *Value, a LinearArgs, dy *gpu.Tensor) {
	d := dy
	in, w := t.operands(x, a.W)
	if w.DType != tensor.F32 && dy.Dim(-1)%4 == 0 { // as matmul's rows of A must be
		d = t.narrow(dy, w.DType)
	}
	if dx, add := t.sink(x); dx != nil {
		t.product(matmul.Args{Layout: matmul.NN, A: d, B: w, C: dx, Alpha: a.Alpha, Add: add})
	}
	if dw, add := t.sink(a.W); dw != nil {
		t.product(matmul.Args{Layout: matmul.TN, A: d, B: in, C: dw, Alpha: a.Alpha, Add: add})
	}
	if a.Bias != nil {
		if db, add := t.sink(a.Bias); db != nil {
			elementwise.ColumnSum(t.r, elementwise.ColumnSumArgs{X: dy, Out: db, Add: add})
		}
	}
	if a.Residual != nil {
		t.accumulate(a.Residual, dy) // last: what adds to it now is behind it in time
	}
}
