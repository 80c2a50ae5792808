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
	const where = "elementwise.Narrow"
	if a.X == nil || a.Out == nil {
		r.Fail(launch.Error(where, "an operand is nil"))
		return
	}
	n := a.X.Elems()
	kind, err := launch.Narrow(where, "Out", a.Out, n)
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, n))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "elementwise", "narrow", 1, kind),
		Grid:   gpu.Linear(launch.Ceil(n, 2*perLane*r.Device().SubgroupWidth())),
		In:     []*gpu.Tensor{a.X},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n)},
		Work:   launch.Work(0, a.X, a.Out),
	})
}
