package activation

import "github.com/morton-gen/morton/gpu"

// ReLUArgs are the operands of [ReLU].
type ReLUArgs struct {
	X   *gpu.Tensor // f32 of any shape
	Out *gpu.Tensor // f32, as many elements; may be X
}

// ReLU adds the rectified linear unit to a program:
//
//	out = x where x ≥ 0, 0 where x < 0
//
// It is exact, and what is no number stays none. If the number of elements is even, the
// tensors must start at an even element of their allocation. Shape errors wrap [gpu.ErrShape]
// and come out of Finish.
//
// Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines",
// 2010.
func ReLU(r *gpu.Recorder, a ReLUArgs) { flat(r, "relu", []*gpu.Tensor{a.X}, a.Out, false) }

// ReLUGradArgs are the operands of [ReLUGrad].
type ReLUGradArgs struct {
	X, DOut *gpu.Tensor // f32, as many elements each
	DX      *gpu.Tensor // f32, may be X or DOut
}

// ReLUGrad adds the gradient of [ReLU] to a program; it overwrites DX:
//
//	dx = 0 where x ≤ 0, else dout
//
// X may be what ReLU gave, too. Alignment and errors are as for ReLU.
func ReLUGrad(r *gpu.Recorder, a ReLUGradArgs) {
	flat(r, "relu_grad", []*gpu.Tensor{a.X, a.DOut}, a.DX, false)
}
