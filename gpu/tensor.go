package gpu

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/morton-gen/morton/gpu/tensor"
)

// Tensor is a dense row-major array in device memory, or a view of one.
type Tensor struct {
	Shape []int
	DType tensor.DType
	mem   *storage
	off   uint64 // bytes from the start of mem
}

// storage is the memory behind one tensor and its views. A temporary has no
// region until its program's memory is planned.
type storage struct {
	dev    *Device
	size   uint64
	region *region
	rec    *Recorder // set for a temporary
	freed  atomic.Bool
	// First and last operation of a temporary's program that use it.
	first, last int
	written     bool
}

// NewTensor allocates a tensor that lives until Free or the device's Close. Its
// contents are undefined. Errors: [ErrShape], [ErrOutOfMemory], [ErrClosed].
func (d *Device) NewTensor(t tensor.DType, shape ...int) (*Tensor, error) {
	if !tensor.Valid(shape) {
		return nil, fmt.Errorf("gpu.NewTensor: %w: shape %v", ErrShape, shape)
	}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	s := &storage{dev: d, size: uint64(tensor.Elems(shape) * t.Bytes())}
	r, err := d.heap.alloc(s.size)
	if err != nil {
		return nil, err
	}
	s.region = r
	return &Tensor{Shape: append([]int(nil), shape...), DType: t, mem: s}, nil
}

// FromF32 allocates an f32 tensor with the given contents.
func (d *Device) FromF32(data []float32, shape ...int) (*Tensor, error) {
	t, err := d.NewTensor(tensor.F32, shape...)
	if err != nil {
		return nil, err
	}
	return filled(t, t.WriteF32(data))
}

// FromI32 allocates an i32 tensor with the given contents.
func (d *Device) FromI32(data []int32, shape ...int) (*Tensor, error) {
	t, err := d.NewTensor(tensor.I32, shape...)
	if err != nil {
		return nil, err
	}
	return filled(t, t.WriteI32(data))
}

// filled returns t, or frees it if writing its contents failed.
func filled(t *Tensor, err error) (*Tensor, error) {
	if err != nil {
		t.Free()
		return nil, err
	}
	return t, nil
}

// Free gives the tensor's memory back; views of it, and programs that use it,
// become invalid: their use is an error. A temporary is its program's to free.
func (t *Tensor) Free() {
	if t == nil || t.mem.rec != nil || t.mem.freed.Swap(true) {
		return
	}
	if t.mem.dev.enter() != nil {
		return // Close freed it
	}
	defer t.mem.dev.leave()
	t.mem.dev.heap.release(t.mem.region)
}

// Elems returns the number of elements.
func (t *Tensor) Elems() int { return tensor.Elems(t.Shape) }

// SizeBytes returns the number of bytes.
func (t *Tensor) SizeBytes() uint64 { return uint64(t.Elems() * t.DType.Bytes()) }

// Dim returns extent i, counted from the end if negative.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.Shape)
	}
	return t.Shape[i]
}

// Rows returns the product of all extents but the last.
func (t *Tensor) Rows() int { return t.Elems() / t.Dim(-1) }

// View returns a tensor over the same memory that starts at element off. It
// panics if the view does not lie inside t: a broken invariant of ours.
func (t *Tensor) View(off int, shape ...int) *Tensor {
	v := &Tensor{Shape: append([]int(nil), shape...), DType: t.DType, mem: t.mem, off: t.off + uint64(off*t.DType.Bytes())}
	if off < 0 || !extents(shape) || off > t.Elems()-v.Elems() {
		panic(fmt.Sprintf("gpu: view %v at %d of %v", shape, off, t.Shape))
	}
	return v
}

// As returns the same memory as elements of another type of the same size. It panics if
// the sizes differ: a broken invariant of ours.
func (t *Tensor) As(typ tensor.DType) *Tensor {
	if typ.Bytes() != t.DType.Bytes() {
		panic(fmt.Sprintf("gpu: %v as %v", t.DType, typ))
	}
	return &Tensor{Shape: t.Shape, DType: typ, mem: t.mem, off: t.off}
}

// extents reports whether a view may have this shape: a valid one, or none of
// its elements.
func extents(shape []int) bool {
	return tensor.Valid(shape) || slices.Contains(shape, 0) && slices.Min(shape) == 0
}

// addr is the device address; valid once the memory is planned.
func (t *Tensor) addr() uint64 { return t.mem.region.addr() + t.off }
