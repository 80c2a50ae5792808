package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// GapArgs are the operands of [Gap].
type GapArgs struct {
	Logits *gpu.Tensor // f32 [m, v]
	Canvas *gpu.Tensor // i32 [m]
	Draw   *gpu.Tensor // u32 [m, 8], as for Softmax
	Out    *gpu.Tensor // f32 [slots, l]
}

// Gap adds to a program how sure rows of logits are: the difference of the two largest among
// those that may be drawn, written to the place of each row's canvas and position. Rows that
// draw nothing write nothing. Errors wrap [gpu.ErrShape].
func Gap(r *gpu.Recorder, a GapArgs) {
	const where = "sample.Gap"
	m, v, err := launch.Matrix(where, "Logits", a.Logits)
	if err == nil && (a.Out == nil || len(a.Out.Shape) != 2) {
		err = launch.Error(where, "Out is no table of slots and positions")
	}
	if err == nil {
		err = launch.Check(where, launch.I32("Canvas", a.Canvas, m), launch.U32("Draw", a.Draw, m*DrawWords), launch.F32("Out", a.Out, a.Out.Elems()))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "gap"), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.Logits, a.Canvas, a.Draw}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(v), uint32(a.Out.Dim(1))},
		Work:   launch.Work(2*m*v, a.Logits, a.Canvas, a.Draw),
	})
}
