package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// HeadsArgs are the operands of [Heads].
type HeadsArgs struct {
	X     *gpu.Tensor // f32 [n, ld], changed in place
	Scale *gpu.Tensor // f32 [q]: of the first heads; optional
	Heads int         // at the start of a row
	Dim   int         // columns of a head
	Eps   float32     // 0 means 1e-12
}

// Heads adds to a program heads of unit length, such as the queries and keys of cosine
// attention:
//
//	x[r, h] = x[r, h] / max(|x[r, h]|, eps)·scale[h]
//
// Heads without a scale have 1. Columns behind the heads stay. Its error is at most
// (dim + 6)·2⁻²⁴ of the result. A row's bits do not depend on the other rows. Shape errors
// wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Liu et al., "Swin Transformer V2", 2021, arXiv:2111.09883, section 3.2.
func Heads(r *gpu.Recorder, a HeadsArgs) {
	const where = "norm.Heads"
	n, ld, err := launch.Matrix(where, "X", a.X)
	if err == nil && (a.Heads < 1 || a.Dim < 1 || a.Heads > ld/a.Dim || a.Scale != nil && a.Scale.Elems() > a.Heads) {
		err = launch.Error(where, "%d heads of %d columns in rows of %d", a.Heads, a.Dim, ld)
	}
	scaled := 0
	if a.Scale != nil {
		scaled = a.Scale.Elems()
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, n*ld), launch.Optional(launch.F32("Scale", a.Scale, scaled)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	if a.Eps == 0 {
		a.Eps = 1e-12
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", "heads"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Scale},
		Out:    []*gpu.Tensor{a.X},
		Params: []uint32{uint32(n), uint32(a.Heads), uint32(scaled), uint32(a.Dim), uint32(ld), gpu.F32Param(a.Eps)},
		Work:   launch.Work(4*n*a.Heads*a.Dim, a.X.View(0, n*a.Heads*a.Dim), a.X.View(0, n*a.Heads*a.Dim)),
	})
}
