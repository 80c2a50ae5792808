package refine

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// Pass has the numbers of one row of a table, see [Step].
type Pass struct {
	Keep, Move     float64
	LogMin, LogMax float64 // of the variance; without a learned variance LogMin counts
	Noise          float64 // times temperature and the square root of the variance
	Plain          bool    // without guidance
}

// PassColumns is the width of a table of passes.
const PassColumns = 6

// Table returns passes as [StepArgs] has them, f32 [p, 6].
func Table(passes []Pass) []float32 {
	out := make([]float32, 0, len(passes)*PassColumns)
	for _, p := range passes {
		plain := float32(0)
		if p.Plain {
			plain = 1
		}
		out = append(out, float32(p.Keep), float32(p.Move), float32(p.LogMin), float32(p.LogMax), float32(p.Noise), plain)
	}
	return out
}

// StepArgs are the operands of [Step].
type StepArgs struct {
	State *State
	// Out is what the network says, f32 [b·m, c] or [b·m, 2·c] with a learned variance,
	// branch by branch, that with all conditions first.
	Out      *gpu.Tensor
	Back     *gpu.Tensor // f32 [m]: what guidance is multiplied by, see Renorm; nil: 1
	Table    *gpu.Tensor // f32 [p, 6], see Table
	Recorded *Recorded   // in place of random numbers; nil: none
	Draft    *Draft      // of tokens that are proposed or checked; nil: none
}

// Step adds one pass to a program. Each draw takes the row of the table that is its
// turn, and goes on to the next:
//
//	x ← keep·x + move·e + noise·temperature·exp(v/2)·z
//	e = back·(o[n-1] + scale[0]·(o[0] - o[1])) + Σ scale[i]·(o[i] - o[i+1]), i > 0
//	v = logMin + (logMax - logMin)·(w + 1)/2
//
// o[i] is the first c columns of branch i; of two, e is u + scale·(c - u). Without a second
// branch, in a plain pass, or if all scales are 1, e has the bits of o[0]. w is the other c
// columns of the first branch, or -1 if there are none. z is normal noise from Philox, with the counter
// (element/4, position, request, 256 + the pass's number from 1 on). A draw behind its
// last row stays as it is. With a Draft tokens are proposed, or proposals checked. Errors
// wrap [gpu.ErrShape].
//
// Source: Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models", 2020,
// arXiv:2006.11239; learned variance, Nichol and Dhariwal, "Improved Denoising Diffusion
// Probabilistic Models", 2021, arXiv:2102.09672; guidance as for sample.Combine.
func Step(r *gpu.Recorder, a StepArgs) {
	const where = "refine.Step"
	m, c := a.State.X.Rows(), a.State.X.Dim(-1)
	_, width, err := launch.Matrix(where, "Out", a.Out)
	if err == nil && width != c && width != 2*c {
		err = launch.Error(where, "Out has rows of %d for draws of %d numbers", width, c)
	}
	branches, berr := a.State.branches(where, a.Out, width)
	if err == nil {
		err = berr
	}
	passes, _, terr := launch.Matrix(where, "Table", a.Table)
	if err == nil {
		err = terr
	}
	if err == nil {
		err = launch.Check(where, append(a.State.wants(), launch.F32("Table", a.Table, passes*PassColumns), launch.Optional(launch.F32("Back", a.Back, m)))...)
	}
	l, n, rerr := recorded(where, a.Recorded, c)
	if err == nil {
		err = rerr
	}
	mode, positions, share, derr := a.Draft.params(where, c)
	if err == nil {
		err = derr
	}
	if err != nil {
		r.Fail(err)
		return
	}
	out := []*gpu.Tensor{a.State.X, a.State.At, nil, nil}
	if a.Draft != nil {
		out[2], out[3] = a.Draft.Proposals, a.Draft.Kept
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "refine", "step", launch.Flag(width == 2*c), uint32(branches), launch.Flag(a.Recorded != nil), launch.Flag(a.Back != nil), mode), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.Out, a.Table, a.State.Draw, a.State.Info, a.Recorded, a.Back}, Out: out,
		Params: []uint32{uint32(m), uint32(c), uint32(passes), l, n, uint32(a.State.At.Elems() / m), uint32(a.State.Info.Dim(-1)), positions, gpu.F32Param(share)},
		Work:   launch.Work(30*m*c, a.Out, a.State.X, a.State.X, a.State.Draw, a.State.Info),
	})
}
