package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// CombineArgs are the operands of [Combine].
type CombineArgs struct {
	X     *gpu.Tensor // f32 [n·m, v]: sums over directions, branch by branch
	Picks *gpu.Tensor // i32 [h, n·m]: -1 where a direction has nothing to say
	Scale *gpu.Tensor // f32 [n-1, m]: of the guidance, between a branch and the next
	Out   *gpu.Tensor // f32 [m, v]
}

// Combine adds to a program the logits that draws are made from:
//
//	out = x[n-1] + Σ scale[i]·(x[i] - x[i+1])
//
// where x[i] are the means over the directions that branch i has, the one with all
// conditions first. Of two branches, c and u, that is u + scale·(c - u). Without a second
// branch, and where all scales are 1, out is x[0] to the bit. Out must not overlap X.
// Errors wrap [gpu.ErrShape].
//
// Source: guidance, Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022,
// arXiv:2207.12598; directions, He et al., "Neighboring Autoregressive Modeling for
// Efficient Visual Generation", 2025, arXiv:2503.10696.
func Combine(r *gpu.Recorder, a CombineArgs) {
	const where = "sample.Combine"
	m, v, err := launch.Matrix(where, "Out", a.Out)
	n, h := 2, 1
	if err == nil && a.X != nil {
		n = max(a.X.Elems()/(m*v), 2)
	}
	if err == nil && a.Picks != nil {
		h = max(a.Picks.Elems()/(n*m), 1)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, n*m*v), launch.I32("Picks", a.Picks, n*m*h), launch.F32("Scale", a.Scale, (n-1)*m))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "combine", uint32(n)), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.X, a.Picks, a.Scale}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(v), uint32(h)},
		Work:   launch.Work(3*m*v, a.X, a.Out),
	})
}
