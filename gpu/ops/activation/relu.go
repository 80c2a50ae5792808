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
