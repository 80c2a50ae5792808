package activation

import "github.com/morton-gen/morton/gpu"

// SiLUArgs are the operands of [SiLU].
type SiLUArgs struct {
	X   *gpu.Tensor // f32 of any shape
	Out *gpu.Tensor // f32, as many elements; may be X
}

// SiLU adds the sigmoid-weighted linear unit, also called swish, to a program:
//
//	out = x·σ(x)
//
// Its relative error is at most (16 + 4|x|)·2⁻²⁴. If the number of elements is even,
// the tensors must start at an even element of their allocation. Shape errors wrap
// [gpu.ErrShape] and come out of Finish.
//
// Source: Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units for Neural
// Network Function Approximation in Reinforcement Learning", 2017, arXiv:1702.03118.
func SiLU(r *gpu.Recorder, a SiLUArgs) { flat(r, "silu", []*gpu.Tensor{a.X}, a.Out, false) }

// SiLUGradArgs are the operands of [SiLUGrad].
type SiLUGradArgs struct {
	X, DOut *gpu.Tensor // f32, as many elements each
	DX      *gpu.Tensor // f32, may be X or DOut
}

// SiLUGrad adds the gradient of [SiLU] to a program; it overwrites DX. With s = σ(x):
//
//	dx = dout·s·(1 + x·(1 - s))
//
// Alignment and errors are as for SiLU.
func SiLUGrad(r *gpu.Recorder, a SiLUGradArgs) {
	flat(r, "silu_grad", []*gpu.Tensor{a.X, a.DOut}, a.DX, false)
}
