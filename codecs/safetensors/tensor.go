package safetensors

import (
	"errors"
	"fmt"
	"math"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrNotSafetensors reports bytes that are not a safetensors file.
	ErrNotSafetensors = errkind.New("bad_model", "not a safetensors file")
	// ErrCorrupt reports an inconsistent header, or one that does not match the
	// file.
	ErrCorrupt = errkind.New("bad_model", "corrupt safetensors file")
	// ErrLimit reports a header over [MaxHeaderBytes].
	ErrLimit = errkind.New("bad_model", "over a limit")
	// ErrDType reports an element type that cannot be converted or written.
	ErrDType = errkind.New("bad_model", "unsupported element type")
	// ErrNotFound reports a name without a tensor.
	ErrNotFound = errkind.New("bad_model", "no such tensor")
	// ErrTensor reports a tensor that cannot be written.
	ErrTensor = errkind.New("bad_model", "bad tensor")
	// ErrClosed reports the use of a closed file.
	ErrClosed = errors.New("safetensors file is closed")
)

// Tensor is a typed view of bytes: row-major, little-endian.
type Tensor struct {
	DType DType
	Shape []int // empty for a scalar
	Data  []byte
}

// NamedTensor is a tensor to write.
type NamedTensor struct {
	Name string
	Tensor
}

// Elements returns the number of elements.
func (t Tensor) Elements() int {
	n := 1
	for _, side := range t.Shape {
		n *= side
	}
	return n
}

// sizeOf returns the size of a tensor in bytes, or its number of elements for an unknown type. The error wraps
// bad if a side is negative or the product overflows an int.
func sizeOf(d DType, shape []int, bad error) (int, error) {
	n := max(d.SizeBytes(), 1)
	for _, side := range shape {
		if side < 0 || side > 0 && n > math.MaxInt/side {
			return 0, fmt.Errorf("%w: shape %.200v of %v is too large", bad, fmt.Sprint(shape), d)
		}
		n *= side
	}
	return n, nil
}

// check returns an error wrapping [ErrTensor] or [ErrDType] if t cannot be
// written.
func (t *NamedTensor) check() error {
	if t.Name == "" || t.Name == metadataKey {
		return fmt.Errorf("%w: name %q", ErrTensor, t.Name)
	}
	if t.DType.SizeBytes() == 0 {
		return fmt.Errorf("%w: %v of %q", ErrDType, t.DType, t.Name)
	}
	n, err := sizeOf(t.DType, t.Shape, ErrTensor)
	if err != nil {
		return fmt.Errorf("%q: %w", t.Name, err)
	}
	if n != len(t.Data) {
		return fmt.Errorf("%w: %q has %d bytes, shape %v of %v needs %d", ErrTensor, t.Name, len(t.Data), t.Shape, t.DType, n)
	}
	return nil
}
