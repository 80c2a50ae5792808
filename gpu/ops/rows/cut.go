package rows

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// CutArgs are the operands of [Cut].
type CutArgs struct {
	X    *gpu.Tensor // [r, ld] of 32 bits an element
	Out  *gpu.Tensor // [r, d] of 32 bits an element
	From int         // column
}

// Cut adds to a program some columns of a matrix:
//
//	out[r, c] = x[r, from + c]
//
// It moves bits, so X and Out may differ in type. Out must not overlap X. Shape errors
// wrap [gpu.ErrShape] and come out of Finish.
func Cut(r *gpu.Recorder, a CutArgs) {
	const where = "rows.Cut"
	word := func(t *gpu.Tensor) bool {
		return t != nil && (t.DType == tensor.F32 || t.DType == tensor.I32 || t.DType == tensor.U32) && len(t.Shape) > 1
	}
	if !word(a.X) || !word(a.Out) {
		r.Fail(launch.Error(where, "X or Out is nil, or no matrix of 32 bits an element"))
		return
	}
	n, ld, d := a.X.Rows(), a.X.Dim(-1), a.Out.Dim(-1)
	if a.Out.Rows() != n || a.From < 0 || a.From > ld-d {
		r.Fail(launch.Error(where, "columns %d to %d of %d by %d as %d by %d", a.From, a.From+d, n, ld, a.Out.Rows(), d))
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rows", "cut"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.X},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n), uint32(ld), uint32(a.From), uint32(d)},
		Work:   work(0, n*d, a.Out),
	})
}
