package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Tape collects the gradients of what is recorded through it. Use it with one
// recorder, from one goroutine.
type Tape struct {
	// Coarse lets products of f32 take cooperative matrices where the device has them.
	Coarse bool

	r        *gpu.Recorder
	training bool
	back     []func()
}

// New returns a tape that records to r. A tape that is not for training keeps
// nothing for a backward pass.
func New(r *gpu.Recorder, training bool) *Tape { return &Tape{r: r, training: training} }

// Recorder is what the tape records to.
func (t *Tape) Recorder() *gpu.Recorder { return t.r }

// Backward records the gradients of all operations so far, last first, and forgets
// them. The gradient of a value is complete when the gradients of all its readers are
// recorded. A value without readers has none, and adds none.
func (t *Tape) Backward() {
	for i := len(t.back) - 1; i >= 0; i-- {
		t.back[i]()
	}
	t.back = nil
}

// push keeps how to record the gradients of an operation whose result is y.
func (t *Tape) push(y *Value, back func(dy *gpu.Tensor)) {
	if !t.training {
		return
	}
	t.back = append(t.back, func() {
		if y.grad != nil {
			back(y.grad)
		}
	})
}

// Value is a tensor with its gradient.
type Value struct {
	X *gpu.Tensor
	// Half is X rounded to f16 or bf16, nil until something needs it. Products read it.
	// The backward pass keeps it where X itself is not kept.
	Half  *gpu.Tensor
	again func() *gpu.Tensor // records X once more, if Half alone does not give it
	grad  *gpu.Tensor        // nil until something adds to it
	fixed bool               // has no gradient
}

// Constant is a value without a gradient: an input.
func Constant(x *gpu.Tensor) *Value { return &Value{X: x, fixed: true} }

// Param is a value whose gradient is added to grad, which lasts; nil makes it a
// constant.
func Param(x, grad *gpu.Tensor) *Value { return &Value{X: x, grad: grad, fixed: grad == nil} }

// temp is a fresh f32 value for the result of an operation.
func (t *Tape) temp(shape ...int) *Value { return &Value{X: t.r.Temp(tensor.F32, shape...)} }

// half returns v in a type of 16 bits.
func (t *Tape) half(v *Value, dt tensor.DType) *gpu.Tensor {
	if v.Half == nil {
		v.Half = t.narrow(v.X, dt)
	}
	return v.Half
}

func (t *Tape) narrow(x *gpu.Tensor, dt tensor.DType) *gpu.Tensor {
	h := t.r.Temp(dt, x.Shape...)
	elementwise.Narrow(t.r, elementwise.NarrowArgs{X: x, Out: h})
	return h
}

func (t *Tape) widen(h *gpu.Tensor) *gpu.Tensor {
	x := t.r.Temp(tensor.F32, h.Shape...)
	elementwise.Widen(t.r, elementwise.WidenArgs{X: h, Out: x})
	return x
}

// kept returns v for a backward pass: X, or its Half. With a Half, X need not outlive
// the forward pass.
func (t *Tape) kept(v *Value) *gpu.Tensor {
	switch {
	case v.again != nil:
		return v.again()
	case v.Half != nil:
		return t.widen(v.Half)
	}
	return v.X
}

// sink returns the tensor for a part of v's gradient, nil if it has none. It reports
// whether to add to what is there.
func (t *Tape) sink(v *Value) (g *gpu.Tensor, add bool) {
	switch {
	case v.fixed:
		return nil, false
	case v.grad == nil:
		v.grad = t.r.Temp(tensor.F32, v.X.Shape...)
		return v.grad, false
	}
	return v.grad, true
}

// into has write fill a part of v's gradient, for operations that cannot add.
func (t *Tape) into(v *Value, write func(g *gpu.Tensor)) {
	g, add := t.sink(v)
	switch {
	case g == nil:
	case add:
		part := t.r.Temp(tensor.F32, v.X.Shape...)
		write(part)
		elementwise.Add(t.r, elementwise.AddArgs{A: g, B: part, Out: g})
	default:
		write(g)
	}
}

// accumulate adds g to v's gradient. g is not used afterwards.
func (t *Tape) accumulate(v *Value, g *gpu.Tensor) {
	switch {
	case v.fixed:
	case v.grad == nil:
		v.grad = g
	default:
		elementwise.Add(t.r, elementwise.AddArgs{A: v.grad, B: g, Out: v.grad})
	}
}
