package embed

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// AxesArgs are the operands of [Axes].
type AxesArgs struct {
	X, Out *gpu.Tensor // f32 [n, d]; Out may be X
	Table  *gpu.Tensor // f32 [v, d], by coordinate
	Levels *gpu.Tensor // f32 [l, d]
	Pos    *gpu.Tensor // i32 [n, axes + 1]: coordinates, and the level
	Parts  bool        // an axis has its own part of the columns; else they take turns
}

// Axes adds to a program embeddings of places in a grid of several levels, where a column
// knows one axis:
//
//	out[r, c] = x[r, c] + table[pos[r, axis(c)], c] + levels[pos[r, axes], c]
//
// with axis(c) = c mod axes, or ⌊c·axes/d⌋ with Parts. A coordinate outside the table adds
// nothing, nor does such a level. |error| <= 2⁻²³·Σ|terms|; a row's bits do not depend on the other rows.
// Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: the positions of OctGPT, Wei et al., 2025, arXiv:2504.09975.
func Axes(r *gpu.Recorder, a AxesArgs) {
	const where = "embed.Axes"
	n, d, err := launch.Matrix(where, "X", a.X)
	if err == nil && (a.Table == nil || a.Levels == nil || a.Table.Dim(-1) != d || a.Levels.Dim(-1) != d || a.Pos == nil || a.Pos.Elems()/n < 2) {
		err = launch.Error(where, "a table is missing or has not %d columns, or Pos has no axis", d)
	}
	v, l, axes := 0, 0, 0
	if err == nil {
		v, l, axes = a.Table.Rows(), a.Levels.Rows(), a.Pos.Elems()/n-1
		err = launch.Check(where, launch.F32("Out", a.Out, n*d), launch.F32("Table", a.Table, v*d), launch.F32("Levels", a.Levels, l*d), launch.I32("Pos", a.Pos, n*(axes+1)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "embed", "axes", launch.Flag(a.Parts)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.X, a.Table, a.Levels, a.Pos},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n), uint32(d), uint32(axes), uint32(v), uint32(l)},
		Work:   picked(4*n*d, a.Pos),
	})
}
