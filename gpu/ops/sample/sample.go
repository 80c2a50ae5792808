package sample

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

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
	Temp   *gpu.Tensor // f32 [n, 2] or [n, 3]: temperature, top_p (1: off), min_p (0: off)
	Mask   *gpu.Tensor // u32 [n, MaskWords(v)], optional: bit t of a row is set if token t may be drawn; S is 1
	Out    *gpu.Tensor // u32 [n, s]
	S      int         // sub-tokens a row, drawn independently; 0 means 1
}

// MaskWords is the number of words of a mask over v tokens.
func MaskWords(v int) int { return launch.Ceil(v, 32) }

// Softmax samples one token for every row of logits, among the tokens lo <= t < hi that
// the mask allows (at least one). It applies the temperature (0: the likeliest), top-k (0:
// off), top-p and min-p. Min-p drops tokens that are less likely than min_p times the
// likeliest. The randomness is Philox keyed by the row's seed at (request, position,
// sub-token).
func Softmax(r *gpu.Recorder, a SoftmaxArgs) {
	a.S = max(a.S, 1)
	const where = "sample.Softmax"
	rows, v, err := launch.Matrix(where, "Logits", a.Logits)
	n, temps := rows/a.S, 2
	if a.Temp != nil && a.Temp.Elems() == 3*n {
		temps = 3
	}
	if err == nil {
		err = launch.Check(where, launch.F32("Logits", a.Logits, n*a.S*v), launch.U32("Draw", a.Draw, n*DrawWords),
			launch.F32("Temp", a.Temp, n*temps), launch.U32("Out", a.Out, rows), launch.Optional(launch.U32("Mask", a.Mask, n*MaskWords(v))))
	}
	if err == nil && a.Mask != nil && a.S != 1 {
		err = launch.Error(where, "a mask goes with one sub-token a row, not %d", a.S)
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "softmax", launch.Flag(a.Mask != nil)), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{a.Logits, a.Draw, a.Temp, a.Mask}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(rows), uint32(a.S), uint32(v), uint32(v), uint32(temps)},
		Work:   launch.Work(6*rows*v, a.Logits, a.Draw, a.Temp, a.Mask, a.Out),
	})
}

// BitsArgs are the operands of [Bits].
type BitsArgs struct {
	Logits *gpu.Tensor // f32 [n, l], or [n, 2·l] with Pairs
	Draw   *gpu.Tensor // u32 [n, 8]
	Temp   *gpu.Tensor // f32 [n, 2] or [n, 3], as for Softmax; only the temperature counts
	Out    *gpu.Tensor // u32 [n, ceil(l/32) or more]: bit i in word i/32, at i%32; others are 0
	Pairs  bool        // a bit has two logits side by side, of zero and of one
}

// Bits draws one binary code for every row, each bit on its own.
func Bits(r *gpu.Recorder, a BitsArgs) {
	const where = "sample.Bits"
	rows, l, err := launch.Matrix(where, "Logits", a.Logits)
	temps, words := 2, 0
	if a.Temp != nil && a.Temp.Elems() == 3*rows {
		temps = 3
	}
	if err == nil && a.Pairs {
		if l%2 != 0 {
			err = launch.Error(where, "%d logits are no pairs", l)
		}
		l /= 2
	}
	if err == nil {
		words = launch.Ceil(l, 32)
		if a.Out != nil {
			words = max(words, a.Out.Elems()/rows)
		}
		err = launch.Check(where, launch.U32("Draw", a.Draw, rows*DrawWords), launch.F32("Temp", a.Temp, rows*temps), launch.U32("Out", a.Out, rows*words))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "bits", launch.Flag(a.Pairs)), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{a.Logits, a.Draw, a.Temp}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(rows), uint32(l), uint32(words), uint32(temps)},
		Work:   launch.Work(5*rows*l, a.Logits, a.Draw, a.Temp, a.Out),
	})
}
