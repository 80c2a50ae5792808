package embed

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/rows"
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
// in the order of i, in f32: [rows.Segment]. Rows of the table without ids stay
// untouched.
// Starts that point past Rows, and rows outside 0..n-1, are not followed. If d
// is even, DOut and DTable must start at an even element of their allocation.
//
// Shape errors wrap [gpu.ErrShape] and come out of the recorder's Finish.
func SumGrad(r *gpu.Recorder, a SumGradArgs) {
	if a.DOut == nil || a.DTable == nil || a.DTable.Dim(-1) != a.DOut.Dim(-1) {
		r.Fail(launch.Error("embed.SumGrad", "DOut or DTable is nil, or of other columns"))
		return
	}
	rows.Segment(r, rows.SegmentArgs{X: a.DOut, Starts: a.Starts, Rows: a.Rows, Out: a.DTable, Add: true})
}
