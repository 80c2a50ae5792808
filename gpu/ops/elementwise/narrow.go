package elementwise

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// NarrowArgs are the operands of [Narrow].
type NarrowArgs struct {
	X   *gpu.Tensor // f32 of any shape, an even number of elements
	Out *gpu.Tensor // f16 or bf16, as many elements
}

// Narrow adds to a program out = x, rounded to the nearest float of Out's type and to
// the even one on ties, on every device; what is past f16's range becomes Inf, and NaN
// stays NaN. X and Out must start at an even element of their allocation. Shape errors
// wrap [gpu.ErrShape] and come out of Finish.
func Narrow(r *gpu.Recorder, a NarrowArgs) {
	convert(r, "narrow", a.X, a.Out, a.X, a.Out)
}

// WidenArgs are the operands of [Widen].
type WidenArgs struct {
	X   *gpu.Tensor // f16 or bf16 of any shape, an even number of elements
	Out *gpu.Tensor // f32, as many elements
}

// Widen adds to a program out = x in f32, exact but for subnormal halves, which a
// device may take for 0. Alignment and errors are as for [Narrow].
func Widen(r *gpu.Recorder, a WidenArgs) { convert(r, "widen", a.Out, a.X, a.X, a.Out) }

// convert records either way between wide, of f32, and short, of 16 bits.
func convert(r *gpu.Recorder, kernel string, wide, short, from, to *gpu.Tensor) {
	where := "elementwise." + kernel
	if wide == nil || short == nil {
		r.Fail(launch.Error(where, "an operand is nil"))
		return
	}
	n := wide.Elems()
	kind, err := launch.Narrow(where, "the 16-bit operand", short, n)
	if err == nil {
		err = launch.Check(where, launch.F32("the f32 operand", wide, n))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "elementwise", kernel, 1, kind),
		Grid:   gpu.Linear(launch.Ceil(n, 2*perLane*r.Device().SubgroupWidth())),
		In:     []*gpu.Tensor{from},
		Out:    []*gpu.Tensor{to},
		Params: []uint32{uint32(n)},
		Work:   launch.Work(0, from, to),
	})
}
