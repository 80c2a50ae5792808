package rows

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// BlendArgs are the operands of [Blend].
type BlendArgs struct {
	X    *gpu.Tensor // f32 [b, nx, d]
	Taps *gpu.Tensor // f32 [v, k, 2]: a row of X, as a whole number, and its weight
	Out  *gpu.Tensor // f32 [b, no, d], of which the first v rows of each sample are written
	D, B int         // columns, and samples; B of 0 means 1
	// XRows and OutRows are nx and no, the rows from one sample to the next; OutRows of 0
	// means v. The last sample may end with its last row.
	XRows, OutRows int
}

// Blend adds to a program weighted sums of the rows of each sample:
//
//	out[s, r, c] = Σ_j weight(r, j)·x[s, row(r, j), c]
//
// in the order of j. It is what a change of size is by a table, such as bicubic. A tap of
// weight 0, or of a row outside 0..nx-1, is left out. For k taps |error| <=
// (k+1)·2⁻²⁴·Σ|terms|, and a row's bits do not depend on the others. Out must not overlap
// X. If d is even, both must start at an even element of their allocation. Shape errors
// wrap [gpu.ErrShape] and come out of Finish.
func Blend(r *gpu.Recorder, a BlendArgs) {
	const where = "rows.Blend"
	if a.Taps == nil || len(a.Taps.Shape) != 3 || a.Taps.Dim(2) != 2 || a.D < 1 || a.XRows < 1 || a.XRows > 1<<24 {
		r.Fail(launch.Error(where, "Taps must be f32 [v, k, 2], of %d columns and %d rows", a.D, a.XRows))
		return
	}
	v, k, b := a.Taps.Dim(0), a.Taps.Dim(1), max(a.B, 1)
	if a.OutRows == 0 {
		a.OutRows = v
	}
	err := launch.Check(where, launch.Rows("X", a.X, b, 1, a.XRows*a.D), launch.F32("Taps", a.Taps, 2*v*k), launch.Rows("Out", a.Out, b, v*a.D, a.OutRows*a.D))
	if err == nil && a.OutRows < v {
		err = launch.Error(where, "samples %d rows apart of %d", a.OutRows, v)
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rows", "blend", launch.Flag(launch.Even(a.D))),
		Grid:   gpu.Linear(b * v),
		In:     []*gpu.Tensor{a.X, a.Taps},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(b), uint32(v), uint32(k), uint32(a.D), uint32(a.XRows), uint32(a.OutRows)},
		Work:   work(2*b*v*k*a.D, b*v*(k+1)*a.D, a.Taps),
	})
}
