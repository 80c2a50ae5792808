package elementwise

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// MSEArgs are the operands of [MSE].
type MSEArgs struct {
	X, Y      *gpu.Tensor // f32 [n, d]
	Weight    float32     // 0 means 1
	RowWeight *gpu.Tensor // f32 [n], optional: a mask or weights of rows
	Loss      *gpu.Tensor // f32 [n]
	DX        *gpu.Tensor // f32 [n, d], optional; may be X or Y
}

// MSE adds squared differences and their gradient to a program; with k[r] =
// weight·rowWeight[r]:
//
//	loss[r]  = k[r]·Σ_c (x[r, c] - y[r, c])²
//	dx[r, c] = 2·k[r]·(x[r, c] - y[r, c])
//
// Loss and DX are overwritten. A row of weight 0 gives 0 even if X or Y hold NaN
// there. The mean over a batch is the caller's: Weight = 1/(rows·d). A row's bits
// do not depend on the other rows; the relative error of loss is at most
// (d/W + 16)·2⁻²⁴ beside the differences' own rounding.
//
// If d is even, X, Y and DX must start at an even element of their allocation.
// Shape errors wrap [gpu.ErrShape] and come out of the recorder's Finish.
func MSE(r *gpu.Recorder, a MSEArgs) {
	const where = "elementwise.MSE"
	if a.X == nil {
		r.Fail(launch.Error(where, "X is nil"))
		return
	}
	n, d := a.X.Rows(), a.X.Dim(-1)
	err := launch.Check(where, launch.F32("X", a.X, n*d), launch.F32("Y", a.Y, n*d), launch.F32("Loss", a.Loss, n),
		launch.Optional(launch.F32("RowWeight", a.RowWeight, n)), launch.Optional(launch.F32("DX", a.DX, n*d)))
	if err != nil {
		r.Fail(err)
		return
	}
	if a.Weight == 0 {
		a.Weight = 1
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "elementwise", "mse", launch.Flag(launch.Even(d))),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.X, a.Y, a.RowWeight},
		Out:    []*gpu.Tensor{a.Loss, a.DX},
		Params: []uint32{uint32(n), uint32(d), gpu.F32Param(a.Weight)},
		Work:   launch.Work(4*n*d, a.X, a.Y, a.RowWeight, a.Loss, a.DX),
	})
}
