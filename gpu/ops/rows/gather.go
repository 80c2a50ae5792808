package rows

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// GatherArgs are the operands of [Gather].
type GatherArgs struct {
	X    *gpu.Tensor // f32 [n, d]
	IDs  *gpu.Tensor // i32 [v, k], or [v] for k = 1
	Out  *gpu.Tensor // f32 [v, k·span·d]
	Span int         // consecutive rows of X that an id stands for; 0 means 1
}

// Gather adds to a program rows put side by side:
//
//	out[r, (j·span + s)·d + c] = x[ids[r, j] + s, c]
//
// and zeros where a row is outside 0..n-1, or its id negative, so -1 is a neighbour that does not exist.
// With an octree's 27 neighbours, or the 8 children of a node, Out is what a
// convolution's weights are multiplied with. It is exact. Out must not overlap X. If d
// is even, X and Out must start at an even element of their allocation. Its gradient is
// [Segment] of DOut as [v·k, d], with Add, over the table that embed.Index makes of the
// ids with k = 1. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Gather(r *gpu.Recorder, a GatherArgs) {
	const where = "rows.Gather"
	n, d, err := launch.Matrix(where, "X", a.X)
	if err == nil && (a.IDs == nil || a.Out == nil || a.IDs.Elems()%a.Out.Rows() != 0) {
		err = launch.Error(where, "IDs or Out is nil, or not of as many rows")
	}
	if err != nil {
		r.Fail(err)
		return
	}
	v, k, span := a.Out.Rows(), a.IDs.Elems()/a.Out.Rows(), max(a.Span, 1)
	if err := launch.Check(where, launch.F32("X", a.X, n*d), launch.I32("IDs", a.IDs, v*k), launch.F32("Out", a.Out, v*k*span*d)); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rows", "gather", launch.Flag(launch.Even(d))),
		Grid:   gpu.Linear(v),
		In:     []*gpu.Tensor{a.X, a.IDs},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(v), uint32(n), uint32(d), uint32(k), uint32(span)},
		Work:   work(0, v*k*span*d, a.IDs, a.Out),
	})
}

// work is of some floating-point operations, of so many elements picked out of a matrix,
// and of what else is moved.
func work(flops, picked int, more ...*gpu.Tensor) gpu.Work {
	w := launch.Work(flops, more...)
	w.Bytes += int64(4 * picked)
	return w
}
