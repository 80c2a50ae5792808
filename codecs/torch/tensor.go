package torch

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// Tensor is a view of a storage. Several tensors may share one storage.
type Tensor struct {
	DType safetensors.DType
	Shape []int // empty for a scalar

	stride  []int // in elements
	offset  int   // of the first element
	storage *storage
}

// Elements returns the number of elements.
func (t *Tensor) Elements() int {
	n := 1
	for _, side := range t.Shape {
		n *= side
	}
	return n
}

// check returns an error if the view exceeds its storage, or has far more elements
// than it.
func (t *Tensor) check() error {
	if len(t.Shape) != len(t.stride) {
		return fmt.Errorf("%w: %d sizes and %d strides", ErrFormat, len(t.Shape), len(t.stride))
	}
	n, err := product(t.Shape)
	if err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	held := int(t.storage.bytes) / t.DType.SizeBytes()
	last, ok := t.last()
	if !ok || last >= held {
		return fmt.Errorf("%w: offset %d, size %v and stride %v leave a storage of %d elements", ErrFormat, t.offset, t.Shape, t.stride, held)
	}
	if n > max(held, MaxExpanded) {
		return fmt.Errorf("%w: a tensor of %d elements over a storage of %d", ErrLimit, n, held)
	}
	return nil
}

// product returns the number of elements of a shape, which is 0 if one side is
// 0.
func product(shape []int) (int, error) {
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	n := 1
	for _, side := range shape {
		if n > math.MaxInt/8/side {
			return 0, fmt.Errorf("%w: size %v is too large", ErrFormat, shape)
		}
		n *= side
	}
	return n, nil
}

// last returns the storage index of the last element, and false on overflow.
// There must be elements.
func (t *Tensor) last() (int, bool) {
	at := t.offset
	for i, side := range t.Shape {
		if s := t.stride[i]; s > 0 && side-1 > (math.MaxInt-at)/s {
			return 0, false
		}
		at += (side - 1) * t.stride[i]
	}
	return at, true
}

// contiguous reports whether the elements are contiguous in row-major order.
func (t *Tensor) contiguous() bool {
	want := 1
	for i, side := range slices.Backward(t.Shape) {
		if side != 1 && t.stride[i] != want {
			return false
		}
		want *= side
	}
	return true
}

// Bytes reads the tensor's elements in row-major order, little-endian. The caller
// owns the slice. The error wraps [ErrFormat] or is the file's own.
func (t *Tensor) Bytes() ([]byte, error) {
	n := t.Elements()
	if n == 0 {
		return nil, nil
	}
	last, _ := t.last() // checked when the tensor was built
	size := t.DType.SizeBytes()
	span, err := t.storage.read(int64(t.offset)*int64(size), int64(last-t.offset+1)*int64(size))
	if err != nil {
		return nil, fmt.Errorf("torch.Tensor: %w", err)
	}
	if t.contiguous() {
		return span, nil
	}
	return t.gather(span), nil
}

// gather copies the elements of a strided view from the bytes that span it.
func (t *Tensor) gather(span []byte) []byte {
	size := t.DType.SizeBytes()
	out := make([]byte, 0, t.Elements()*size)
	index := make([]int, len(t.Shape))
	at := 0
	for {
		out = append(out, span[at*size:(at+1)*size]...)
		d := len(index) - 1
		for ; d >= 0; d-- { // count up, the last dimension fastest
			at += t.stride[d]
			if index[d]++; index[d] < t.Shape[d] {
				break
			}
			at -= t.stride[d] * t.Shape[d]
			index[d] = 0
		}
		if d < 0 {
			return out
		}
	}
}
