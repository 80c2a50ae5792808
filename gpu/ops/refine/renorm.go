package refine

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// RenormArgs are the operands of [Renorm].
type RenormArgs struct {
	State    *State
	Out      *gpu.Tensor // f32 [b·m, c], see StepArgs
	Table    *gpu.Tensor // f32 [p, 6], see Table
	Rest     *gpu.Tensor // f32 [canvases, l, c+1], kept from pass to pass: the map of a request
	Least    float32     // factor at least
	Recorded *Recorded   // in place of random numbers; nil: none
	Back     *gpu.Tensor // f32 [m], out: the factor, see StepArgs
}

// Renorm adds to a program, in front of a [Step], factors that keep guidance from growing
// over a whole map of l tokens:
//
//	back = clamp(‖c‖ / ‖g‖, least, 1), g = u + scale·(c - o)
//
// c and o are the first two branches and u is the last. A request's draws lie side by side,
// and are some tokens of its map: that of position p is token p mod l. Of the other tokens
// every branch says what they are. They begin as noise, and passes move them as all others,
// so they count in both norms. Where guidance does not move a draw, back is 1. A request's
// bits do not depend on others. Errors wrap [gpu.ErrShape].
//
// Source: Deng et al., "Autoregressive Video Generation without Vector Quantization", 2024,
// arXiv:2412.14169, whose code has it so.
func Renorm(r *gpu.Recorder, a RenormArgs) {
	const where = "refine.Renorm"
	m, c := a.State.X.Rows(), a.State.X.Dim(-1)
	branches, err := a.State.branches(where, a.Out, c)
	passes, _, terr := launch.Matrix(where, "Table", a.Table)
	if err == nil {
		err = terr
	}
	if err == nil && (a.Rest == nil || len(a.Rest.Shape) != 3 || a.Rest.Dim(2) != c+1) {
		err = launch.Error(where, "the rest of maps of tokens of %d numbers", c)
	}
	if err == nil {
		err = launch.Check(where, append(a.State.wants(), launch.F32("Table", a.Table, passes*PassColumns), launch.F32("Rest", a.Rest, a.Rest.Elems()), launch.F32("Back", a.Back, m))...)
	}
	positions, entries, rerr := recorded(where, a.Recorded, c)
	if err == nil {
		err = rerr
	}
	if err != nil {
		r.Fail(err)
		return
	}
	l := a.Rest.Dim(1)
	sums := r.Temp(tensor.F32, m, 2)
	record := func(kernel string, of *gpu.Tensor, work gpu.Work, out ...*gpu.Tensor) {
		r.Dispatch(gpu.Call{
			Kernel: launch.Kernel(shaders, "refine", kernel, uint32(branches), launch.Flag(a.Recorded != nil)), Grid: gpu.Linear(m),
			In: []*gpu.Tensor{a.Out, a.Table, a.State.Draw, a.State.Info, a.State.At, of, a.Recorded}, Out: out,
			Params: []uint32{uint32(m), uint32(c), uint32(a.State.Info.Dim(-1)), uint32(l), positions, entries, gpu.F32Param(a.Least)},
			Work:   work,
		})
	}
	record("renorm_dot", nil, launch.Work(6*m*c, a.Out, sums), nil, sums)
	record("renorm", sums, launch.Work(24*l*c, sums, a.Rest, a.Rest, a.Back), a.Rest, a.Back)
}
