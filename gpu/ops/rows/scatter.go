package rows

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// ScatterArgs are the operands of [Scatter].
type ScatterArgs struct {
	X    *gpu.Tensor // f32 [r, d]
	IDs  *gpu.Tensor // i32 [r/span]; no two places are equal, but for those outside
	Out  *gpu.Tensor // f32 [n, d]
	Span int         // consecutive rows that an id places; 0 means 1
}

// Scatter adds to a program rows put in their places:
//
//	out[ids[r / span] + r mod span, c] = x[r, c]
//
// A row whose place is outside 0..n-1, or whose id is negative, goes nowhere. Rows of Out that nobody names stay. It
// is exact. Out must not overlap X. If d is even, X and Out must start at an even element
// of their allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Scatter(r *gpu.Recorder, a ScatterArgs) {
	const where = "rows.Scatter"
	m, d, err := launch.Matrix(where, "X", a.X)
	n, _, outErr := launch.Matrix(where, "Out", a.Out)
	if err == nil {
		err = outErr
	}
	span := max(a.Span, 1)
	if err == nil && m%span != 0 {
		err = launch.Error(where, "%d rows in spans of %d", m, span)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, m*d), launch.I32("IDs", a.IDs, m/span), launch.F32("Out", a.Out, n*d))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rows", "scatter", launch.Flag(launch.Even(d))),
		Grid:   gpu.Linear(m),
		In:     []*gpu.Tensor{a.X, a.IDs},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(n), uint32(d), uint32(span)},
		Work:   work(0, m*d, a.X, a.IDs),
	})
}
