package sample

import (
	"embed"
	"fmt"

	"github.com/morton-gen/morton/gpu"
)

//go:embed *.spv
var shaders embed.FS

func kernel(r *gpu.Recorder, name string) *gpu.Kernel {
	spv, err := shaders.ReadFile(name + ".spv")
	if err != nil {
		r.Fail(err)
	}
	return &gpu.Kernel{Name: "sample/" + name, SPIRV: spv}
}

// DrawWords is the width of a Draw row: seed (2 words), request, position, lo,
// hi, top_k, active (0: the row draws nothing and its output is left alone).
const DrawWords = 8

// Existing packs into the hi of a Draw row how many of its sub-tokens exist: the
// others become token 0. hi is below 2^24.
func Existing(hi, subTokens int) int32 { return int32(uint32(hi) | uint32(subTokens)<<24) }

// SoftmaxArgs are the operands of [Softmax].
type SoftmaxArgs struct {
	Logits *gpu.Tensor // f32 [n·s, v]
	Draw   *gpu.Tensor // u32 [n, 8]
	Temp   *gpu.Tensor // f32 [n, 2]: temperature, top_p (1: off)
	Out    *gpu.Tensor // u32 [n, s]
	S      int         // sub-tokens a row, drawn independently; 0 means 1
}

// Softmax draws one token for every row of logits, among lo <= t < hi, with
// temperature (0: the likeliest), top-k (0: off) and top-p. The randomness is
// Philox keyed by the row's seed at (request, position, sub-token).
func Softmax(r *gpu.Recorder, a SoftmaxArgs) {
	a.S = max(a.S, 1)
	rows, v := a.Logits.Rows(), a.Logits.Dim(-1)
	if a.Draw.Elems()*a.S != rows*DrawWords || a.Temp.Elems()*a.S != rows*2 || a.Out.Elems() != rows {
		r.Fail(fmt.Errorf("sample.Softmax: %w: logits %v, draw %v, temp %v, out %v, s=%d", gpu.ErrShape, a.Logits.Shape, a.Draw.Shape, a.Temp.Shape, a.Out.Shape, a.S))
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: kernel(r, "softmax"), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{a.Logits, a.Draw, a.Temp}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(rows), uint32(a.S), uint32(v), uint32(v)},
	})
}

// BitsArgs are the operands of [Bits].
type BitsArgs struct {
	Logits *gpu.Tensor // f32 [n, l]
	Draw   *gpu.Tensor // u32 [n, 8]
	Temp   *gpu.Tensor // f32 [n, 2]; only the temperature counts
	Out    *gpu.Tensor // u32 [n, ceil(l/32)]: bit i in word i/32, at i%32
}

// Bits draws one binary code for every row, each bit on its own.
func Bits(r *gpu.Recorder, a BitsArgs) {
	rows, l := a.Logits.Rows(), a.Logits.Dim(-1)
	if a.Draw.Elems() != rows*DrawWords || a.Temp.Elems() != rows*2 || a.Out.Elems() != rows*((l+31)/32) {
		r.Fail(fmt.Errorf("sample.Bits: %w: logits %v, draw %v, temp %v, out %v", gpu.ErrShape, a.Logits.Shape, a.Draw.Shape, a.Temp.Shape, a.Out.Shape))
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: kernel(r, "bits"), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{a.Logits, a.Draw, a.Temp}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(rows), uint32(l), uint32(l)},
	})
}
