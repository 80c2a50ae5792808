package adamw

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
)

// NormArgs are the operands of [Norm].
type NormArgs struct {
	G   *gpu.Tensor // f32 [n]
	Out *gpu.Tensor // f32 [1]
}

// Norm adds to a program the Euclidean norm of a gradient:
//
//	out = √(Σ g²)
//
// along the fixed tree of [elementwise.Sum], whose alignment and errors apply. It
// is NaN if an element is, and Inf if one is or if its square passes f32's range
// (|g| > 1.8·10¹⁹).
func Norm(r *gpu.Recorder, a NormArgs) {
	elementwise.Sum(r, elementwise.SumArgs{X: a.G, Out: a.Out, Square: true, Root: true})
}
