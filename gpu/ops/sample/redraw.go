package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// What a target's code is in [Redraw], as the lo of its Draw row.
const (
	Fresh  = iota // not there yet: it is drawn
	Filled        // there: it may be drawn again
	Hidden        // not there, and not drawn yet either
)

// RedrawArgs are the operands of [Redraw].
type RedrawArgs struct {
	Logits *gpu.Tensor // f32 [m, 2·l]: of zero and of one, side by side
	Draw   *gpu.Tensor // u32 [m, 8]: lo is Fresh, Filled or Hidden
	Canvas *gpu.Tensor // i32 [m]
	Tokens *gpu.Tensor // u32 [slots, positions, words]: the codes that are there
	Drawn  *gpu.Tensor // u32 [m, words]: new codes
	Chosen *gpu.Tensor // f32 [m]: 1 of a code that is drawn, else 0
	Share  int         // one in so many wrong codes is drawn again
}

// Redraw adds to a program the choice of codes that are drawn again. Codes that are neither
// fresh nor chosen get back in Drawn what is there. Of a request as many are chosen as a
// share of its wrong codes, rounded down. A wrong code has a bit that is not the likelier
// one; a fresh code counts as wrong. The worst are chosen: of codes of one bit those of the least logit, a missing one
// counting as a one; of longer codes those of the most wrong bits, a missing code having
// only such. Of equal ones the first are chosen. The choice is among all of a request's
// targets, hidden ones too, but only filled ones are drawn again. So fewer may be.
//
// A request's targets lie side by side, and its result does not depend on others. Errors
// wrap [gpu.ErrShape].
//
// Source: the remasking of OctGPT, Wei et al., 2025, arXiv:2504.09975, as its code does it.
// The order of equal ones is ours.
func Redraw(r *gpu.Recorder, a RedrawArgs) {
	const where = "sample.Redraw"
	m, l, err := launch.Matrix(where, "Logits", a.Logits)
	if err == nil && (l%2 != 0 || a.Share < 1 || a.Tokens == nil || len(a.Tokens.Shape) != 3 || a.Tokens.Dim(2)*64 < l) {
		err = launch.Error(where, "%d logits, one in %d, or no canvases", l, a.Share)
	}
	if err == nil {
		words := a.Tokens.Dim(2)
		err = launch.Check(where, launch.U32("Draw", a.Draw, m*DrawWords), launch.I32("Canvas", a.Canvas, m), launch.U32("Tokens", a.Tokens, a.Tokens.Elems()),
			launch.U32("Drawn", a.Drawn, m*words), launch.F32("Chosen", a.Chosen, m))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	scores := r.Temp(tensor.U32, m, 2)
	slots := a.Tokens.Dim(0)
	params := []uint32{uint32(m), uint32(l / 2), uint32(a.Tokens.Dim(2)), uint32(a.Tokens.Dim(1)), uint32(a.Share), uint32(slots)}
	in := []*gpu.Tensor{a.Logits, a.Draw, a.Canvas, a.Tokens}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "redraw_score"), Grid: gpu.Linear(m), In: in, Out: []*gpu.Tensor{scores}, Params: params,
		Work: launch.Work(3*m*l, a.Logits, a.Draw, scores),
	})
	r.Fill(a.Chosen, 0)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "redraw"), Grid: gpu.Linear(slots), In: append(in, scores), Out: []*gpu.Tensor{a.Drawn, a.Chosen}, Params: params,
		Work: launch.Work(34*m, scores, a.Draw, a.Chosen, a.Drawn),
	})
}
