package embed

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// SumGradArgs are the operands of [SumGrad]; [Index] makes Starts and Rows.
type SumGradArgs struct {
	DOut   *gpu.Tensor // f32 [n, d]
	Starts *gpu.Tensor // i32 [v+1]
	Rows   *gpu.Tensor // i32 [n·k], or of any length
	DTable *gpu.Tensor // f32 [v, d]
}

// SumGrad adds to a program the table's gradient:
//
//	dtable[t, c] += Σ_{i = starts[t]}^{starts[t+1]-1} dout[rows[i], c]
//
// in the order of i, in f32; rows of the table without ids stay untouched.
// Starts that point past Rows, and rows outside 0..n-1, are not followed. If d
// is even, DOut and DTable must start at an even element of their allocation.
//
// Shape errors wrap [gpu.ErrShape] and come out of the recorder's Finish.
func SumGrad(r *gpu.Recorder, a SumGradArgs) {
	if err := a.check(); err != nil {
		r.Fail(err)
		return
	}
	n, d, v := a.DOut.Rows(), a.DOut.Dim(-1), a.DTable.Rows()
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "embed", "grad", launch.Flag(launch.Even(d))),
		Grid:   gpu.Linear(v),
		In:     []*gpu.Tensor{a.DOut, a.Starts, a.Rows},
		Out:    []*gpu.Tensor{a.DTable},
		Params: []uint32{uint32(n), uint32(d), uint32(v), uint32(a.Rows.Elems())},
		Work:   picked(a.Rows.Elems()*d, a.Starts, a.Rows, a.DTable, a.DTable),
	})
}

func (a *SumGradArgs) check() error {
	const where = "embed.SumGrad"
	if a.DOut == nil || a.DTable == nil || a.Rows == nil {
		return launch.Error(where, "an operand is nil")
	}
	d, v := a.DOut.Dim(-1), a.DTable.Rows()
	if a.DTable.Dim(-1) != d {
		return launch.Error(where, "dout %v, dtable %v", a.DOut.Shape, a.DTable.Shape)
	}
	return launch.Check(where, launch.F32("DOut", a.DOut, a.DOut.Elems()), launch.F32("DTable", a.DTable, v*d),
		launch.I32("Starts", a.Starts, v+1), launch.I32("Rows", a.Rows, a.Rows.Elems()))
}
