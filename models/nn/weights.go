package nn

import "errors"

// ErrWeights reports a checkpoint whose tensors do not fit a network: one is
// missing, or has another shape, or holds a value that is not finite.
var ErrWeights = errors.New("weights do not fit the network")

// Weights are the named tensors of a checkpoint, whatever file they lie in.
type Weights interface {
	// Names returns the names of all tensors, sorted.
	Names() []string
	// Shape returns a tensor's extents, and false if there is no such tensor.
	Shape(name string) ([]int, bool)
	// Floats returns a tensor's elements in row-major order, widened to f32. The
	// caller owns the slice. The error wraps [ErrWeights] if there is no such
	// tensor, or its elements are not floating-point numbers.
	Floats(name string) ([]float32, error)
}
