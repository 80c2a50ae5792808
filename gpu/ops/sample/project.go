package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// ProjectArgs are the operands of [Project].
type ProjectArgs struct {
	X         *gpu.Tensor // f32 [2·m, v]: the logits of the branches with and without condition
	Picks     *gpu.Tensor // i32 [2·m]: -1 for a draw that a branch lacks
	Scale     *gpu.Tensor // f32 [m]: of the guidance
	Out       *gpu.Tensor // f32 [m, v]
	N         int         // draws of a request, which lie side by side
	Threshold float32     // of the root mean square of c - u; up to 0 there is none
	Eta       float32     // what is left of the part along c: 0 is nothing, 1 is all
}

// Project adds to a program guidance that is kept from growing, over all N draws of a
// request together:
//
//	d = c - u,  d ← d·min(1, threshold/rms(d)),  p = c·(d·c)/(c·c)
//	out = c + (scale - 1)·(d - (1 - eta)·p)
//
// Without a second branch, and where scale is 1, out is c to the bit. A request's bits do
// not depend on others: its sums are taken in a fixed order. Surplus draws behind the last
// N get their c. Out must not overlap X. Errors wrap [gpu.ErrShape].
//
// Source: Sadat, Hilliges and Weber, "Eliminating Oversaturation and Artifacts of High
// Guidance Scales in Diffusion Models", 2024, arXiv:2410.02416.
func Project(r *gpu.Recorder, a ProjectArgs) {
	const where = "sample.Project"
	m, v, err := launch.Matrix(where, "Out", a.Out)
	if err == nil && (a.N < 1 || a.N > m) {
		err = launch.Error(where, "%d draws of a request, %d in all", a.N, m)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, 2*m*v), launch.I32("Picks", a.Picks, 2*m), launch.F32("Scale", a.Scale, m))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	sums, factors := r.Temp(tensor.F32, m, 3), r.Temp(tensor.F32, m/a.N, 2)
	params := []uint32{uint32(m), uint32(v), uint32(a.N), gpu.F32Param(a.Threshold), gpu.F32Param(1 - a.Eta)}
	record := func(kernel string, groups int, of, out *gpu.Tensor, work gpu.Work) {
		r.Dispatch(gpu.Call{
			Kernel: launch.Kernel(shaders, "sample", kernel), Grid: gpu.Linear(groups),
			In: []*gpu.Tensor{a.X, a.Picks, a.Scale, of}, Out: []*gpu.Tensor{out}, Params: params, Work: work,
		})
	}
	record("project_dot", m, nil, sums, launch.Work(7*m*v, a.X, a.Picks, sums))
	record("project_sum", m/a.N, sums, factors, launch.Work(3*m, sums, factors))
	record("project", m, factors, a.Out, launch.Work(5*m*v, a.X, a.Picks, a.Scale, factors, a.Out))
}
