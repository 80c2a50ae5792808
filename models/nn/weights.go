package nn

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
)

// ErrWeights reports a checkpoint whose tensors do not fit a network. One is missing,
// has another shape, or holds a value that is not finite.
var ErrWeights = params.ErrWeights

// Weights are the named tensors of a checkpoint, whatever file they lie in. Methods
// may be called from several goroutines.
type Weights interface {
	// Names returns the names of all tensors, sorted.
	Names() []string
	// Shape returns a tensor's extents, and false if there is no such tensor.
	Shape(name string) ([]int, bool)
	// Floats returns a tensor's elements in row-major order, widened to f32. The caller
	// owns the slice. The error wraps [ErrWeights] if the tensor is missing or has no
	// floating-point elements. Several goroutines may call it at once.
	Floats(name string) ([]float32, error)
}

// File returns the tensors of a safetensors file, which must stay open.
func File(f *safetensors.File) Weights { return file{f} }

type file struct{ f *safetensors.File }

func (w file) Names() []string { return w.f.Names() }

func (w file) Shape(name string) ([]int, bool) {
	t, err := w.f.Tensor(name)
	return t.Shape, err == nil
}

func (w file) Floats(name string) ([]float32, error) {
	t, err := w.f.Tensor(name)
	if err != nil {
		return nil, fmt.Errorf("nn: %w: %w", ErrWeights, err)
	}
	out, err := t.Float32s()
	if err != nil {
		return nil, fmt.Errorf("nn: %w: %s: %w", ErrWeights, name, err)
	}
	return out, nil
}

// read returns a tensor of elems elements whose first extent is rows. The other extents
// may be split in any way. The error wraps [ErrWeights].
func read(w Weights, name string, rows, elems int) ([]float32, error) {
	shape, ok := w.Shape(name)
	if !ok {
		return nil, fmt.Errorf("nn: %w: there is no tensor %s", ErrWeights, name)
	}
	n := tensor.Elems(shape)
	for len(shape) > 1 && shape[0] == 1 && rows > 1 { // a batch of one
		shape = shape[1:]
	}
	if n != elems || len(shape) == 0 || len(shape) > 1 && shape[0] != rows {
		return nil, fmt.Errorf("nn: %w: %s is %v, the network wants %d rows of %d", ErrWeights, name, shape, rows, elems/rows)
	}
	return Finite(w, name)
}

// Finite returns a tensor's elements if all of them are finite. The error wraps
// [ErrWeights].
func Finite(w Weights, name string) ([]float32, error) {
	x, err := w.Floats(name)
	if err != nil {
		return nil, err
	}
	for _, y := range x {
		if math.IsNaN(float64(y)) || math.IsInf(float64(y), 0) {
			return nil, fmt.Errorf("nn: %w: %s holds a value that is not finite", ErrWeights, name)
		}
	}
	return x, nil
}
