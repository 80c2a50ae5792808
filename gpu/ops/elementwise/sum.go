package elementwise

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// SumArgs are the operands of [Sum].
type SumArgs struct {
	X     *gpu.Tensor // f32 of any shape, n elements
	Out   *gpu.Tensor // f32 [1]
	Scale float32     // 0 means 1

	Square bool // sum x² instead of x
	Root   bool // take the square root at the end
}

// Sum adds to a program
//
//	out = scale·Σ x, or √(scale·Σ x²) with Square and Root
//
// in f32, along a tree that depends on n and the device alone: pieces of
// max(4096, n/1024) elements over W lanes, then the pieces' sums. |error| <=
// (n/(1024·W) + 4096/W + 32)·2⁻²⁴·scale·Σ|x|. A square past f32's range makes the
// sum Inf.
//
// Out must not overlap X. If n is even, X must start at an even element of its
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Sum(r *gpu.Recorder, a SumArgs) {
	const where = "elementwise.Sum"
	if a.X == nil {
		r.Fail(launch.Error(where, "X is nil"))
		return
	}
	n := a.X.Elems()
	if err := launch.Check(where, launch.F32("X", a.X, n), launch.F32("Out", a.Out, 1)); err != nil {
		r.Fail(err)
		return
	}
	if a.Scale == 0 {
		a.Scale = 1
	}
	height := max(4096, 2*launch.Ceil(n, 2048))
	pieces := launch.Ceil(n, height)
	if pieces == 1 {
		a.piece(r, a.X, a.Out, height)
		return
	}
	partial := r.Temp(tensor.F32, pieces)
	(&SumArgs{Scale: 1, Square: a.Square}).piece(r, a.X, partial, height)
	(&SumArgs{Scale: a.Scale, Root: a.Root}).piece(r, partial, a.Out, pieces+pieces%2)
}

// piece sums x by pieces of height elements into out.
func (a *SumArgs) piece(r *gpu.Recorder, x, out *gpu.Tensor, height int) {
	n, pieces := x.Elems(), out.Elems()
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "elementwise", "sum", launch.Flag(launch.Even(n)), launch.Flag(a.Square), launch.Flag(a.Root)),
		Grid:   gpu.Linear(pieces),
		In:     []*gpu.Tensor{x},
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(n), uint32(height), uint32(pieces), gpu.F32Param(a.Scale)},
		Work:   launch.Work(n*(1+int(launch.Flag(a.Square))), x, out),
	})
}
