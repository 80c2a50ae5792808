package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// CombineArgs are the operands of [Combine].
type CombineArgs struct {
	X     *gpu.Tensor // f32 [2·m, v]: sums over directions, of the branches with and without condition
	Picks *gpu.Tensor // i32 [h, 2·m]: -1 where a direction has nothing to say
	Scale *gpu.Tensor // f32 [m]: of the guidance
	Out   *gpu.Tensor // f32 [m, v]
}

// Combine adds to a program the logits that draws are made from:
//
//	out = u + scale·(c - u)
//
// where c and u are the means over the directions that a branch has. Without a second
// branch, and where scale is 1, out is c to the bit. Out must not overlap X. Errors
// wrap [gpu.ErrShape].
//
// Source: guidance, Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022,
// arXiv:2207.12598; directions, He et al., "Neighboring Autoregressive Modeling for
// Efficient Visual Generation", 2025, arXiv:2503.10696.
func Combine(r *gpu.Recorder, a CombineArgs) {
	const where = "sample.Combine"
	m, v, err := launch.Matrix(where, "Out", a.Out)
	h := 1
	if err == nil && a.Picks != nil {
		h = max(a.Picks.Elems()/(2*m), 1)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, 2*m*v), launch.I32("Picks", a.Picks, 2*m*h), launch.F32("Scale", a.Scale, m))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "combine"), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.X, a.Picks, a.Scale}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(v), uint32(h)},
		Work:   launch.Work(3*m*v, a.X, a.Out),
	})
}
