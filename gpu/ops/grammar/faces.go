package grammar

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// FacesArgs are the operands of [Faces].
type FacesArgs struct {
	Tokens *gpu.Tensor // u32 [b, l, 1]: every slot's tokens so far
	Seq    *gpu.Tensor // i32 [r]: slot of a row
	Draw   *gpu.Tensor // u32 [r, 8]: see sample.DrawWords; the position and whether it is drawn count
	Levels int         // ids of a coordinate; the pad is Levels, the end Levels+1
	Start  int         // position at which the first face starts
}

// Faces returns a mask for [sample.Softmax], u32 [r, ceil(v/32)] with v = Levels+2: the
// tokens that may come next in a face sequence. A face is twelve tokens: z x y of four
// corners, or three pads and z x y of three corners. It keeps to
//
//   - the layout: whole faces, pads before a triangle, the end only between faces;
//   - the canonical order: a face's lowest corner comes first, faces ascend by
//     their corners, with vertices compared by (z, x, y);
//   - distinct corners within a face;
//   - oriented edges: no two faces run along an edge in the same direction, so
//     that an edge has two faces at most, oriented alike.
//
// Where a rule leaves nothing, the rules give way from the last to the second. A
// row's mask depends on its slot's earlier tokens alone. The work of a row grows
// with its faces. Errors wrap [gpu.ErrShape].
//
// Source of layout and order: package mesh/sequence, whose strict decoder accepts
// what is drawn under this mask as long as the rules hold.
func Faces(r *gpu.Recorder, a FacesArgs) *gpu.Tensor {
	const where = "grammar.Faces"
	if a.Tokens == nil || a.Seq == nil || len(a.Tokens.Shape) < 2 || a.Levels < 2 || a.Levels > 1<<14 || a.Start < 0 || a.Start >= a.Tokens.Dim(1) {
		r.Fail(launch.Error(where, "levels=%d start=%d", a.Levels, a.Start))
		return nil
	}
	rows, slots, length := a.Seq.Elems(), a.Tokens.Dim(0), a.Tokens.Dim(1)
	err := launch.Check(where, launch.U32("Tokens", a.Tokens, slots*length), launch.I32("Seq", a.Seq, rows), launch.U32("Draw", a.Draw, rows*sample.DrawWords))
	if err != nil {
		r.Fail(err)
		return nil
	}
	words := sample.MaskWords(a.Levels + 2)
	mask := r.Temp(tensor.U32, rows, words)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "grammar", "faces"), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{a.Tokens, a.Seq, a.Draw}, Out: []*gpu.Tensor{mask},
		Params: []uint32{uint32(rows), uint32(length), uint32(a.Start), uint32(a.Levels), uint32(words)},
		Work:   launch.Work(0, a.Seq, a.Draw, mask), // and the tokens of each row's earlier faces
	})
	return mask
}
