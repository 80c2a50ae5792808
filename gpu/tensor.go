package gpu

import (
	"fmt"
	"unsafe"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/gpu/vk"
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
	// First and last operation of a temporary's program that use it.
	first, last int
	written     bool
}

// NewTensor allocates a tensor that lives until Free or the device's Close. Its
// contents are undefined. Errors: [ErrShape], [ErrOutOfMemory].
func (d *Device) NewTensor(t tensor.DType, shape ...int) (*Tensor, error) {
	if !tensor.Valid(shape) {
		return nil, fmt.Errorf("gpu.NewTensor: %w: shape %v", ErrShape, shape)
	}
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
	return t, t.WriteF32(data)
}

// FromI32 allocates an i32 tensor with the given contents.
func (d *Device) FromI32(data []int32, shape ...int) (*Tensor, error) {
	t, err := d.NewTensor(tensor.I32, shape...)
	if err != nil {
		return nil, err
	}
	return t, t.WriteI32(data)
}

// Free gives the tensor's memory back; views of it become invalid.
func (t *Tensor) Free() {
	if t != nil && t.mem.region != nil && t.mem.rec == nil {
		t.mem.dev.heap.release(t.mem.region)
		t.mem.region = nil
	}
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
	if off < 0 || off+v.Elems() > t.Elems() {
		panic(fmt.Sprintf("gpu: view %v at %d of %v", shape, off, t.Shape))
	}
	return v
}

// addr is the device address; valid once the memory is planned.
func (t *Tensor) addr() uint64 { return t.mem.region.addr() + t.off }

// WriteF32 copies data to the device. Errors: [ErrShape], [ErrDeviceLost].
func (t *Tensor) WriteF32(data []float32) error {
	return t.write("gpu.WriteF32", tensor.F32, len(data), unsafe.Pointer(unsafe.SliceData(data)))
}

// WriteI32 copies data to the device, for i32 and u32 tensors.
func (t *Tensor) WriteI32(data []int32) error {
	return t.write("gpu.WriteI32", t.intType(), len(data), unsafe.Pointer(unsafe.SliceData(data)))
}

// ReadF32 copies the tensor from the device into dst.
func (t *Tensor) ReadF32(dst []float32) error {
	return t.read("gpu.ReadF32", tensor.F32, len(dst), unsafe.Pointer(unsafe.SliceData(dst)))
}

// ReadI32 copies an i32 or u32 tensor from the device into dst.
func (t *Tensor) ReadI32(dst []int32) error {
	return t.read("gpu.ReadI32", t.intType(), len(dst), unsafe.Pointer(unsafe.SliceData(dst)))
}

// F32 reads the whole tensor.
func (t *Tensor) F32() ([]float32, error) {
	out := make([]float32, t.Elems())
	return out, t.ReadF32(out)
}

// I32 reads the whole tensor.
func (t *Tensor) I32() ([]int32, error) {
	out := make([]int32, t.Elems())
	return out, t.ReadI32(out)
}

func (t *Tensor) intType() tensor.DType {
	if t.DType == tensor.U32 {
		return tensor.U32
	}
	return tensor.I32
}

func (t *Tensor) checkHost(where string, dt tensor.DType, n int) error {
	switch {
	case t.DType != dt || n != t.Elems():
		return fmt.Errorf("%s: %w: %d elements of %v, tensor is %v %v", where, ErrShape, n, dt, t.DType, t.Shape)
	case t.mem.region == nil:
		return fmt.Errorf("%s: %w: the tensor is freed or not yet planned", where, ErrProgram)
	}
	return nil
}

func (t *Tensor) write(where string, dt tensor.DType, n int, p unsafe.Pointer) error {
	if err := t.checkHost(where, dt, n); err != nil {
		return err
	}
	src := unsafe.Slice((*byte)(p), t.SizeBytes())
	if h := t.mem.region.host(); h != nil {
		copy(unsafe.Slice((*byte)(unsafe.Add(h, t.off)), len(src)), src)
		return nil
	}
	return t.mem.dev.stage(t, src, true)
}

func (t *Tensor) read(where string, dt tensor.DType, n int, p unsafe.Pointer) error {
	if err := t.checkHost(where, dt, n); err != nil {
		return err
	}
	dst := unsafe.Slice((*byte)(p), t.SizeBytes())
	if h := t.mem.region.host(); h != nil {
		copy(dst, unsafe.Slice((*byte)(unsafe.Add(h, t.off)), len(dst)))
		return nil
	}
	return t.mem.dev.stage(t, dst, false)
}

const stagingBytes = 16 << 20

// stage copies between host bytes and device memory the host cannot see.
func (d *Device) stage(t *Tensor, data []byte, up bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.openStaging(); err != nil {
		return err
	}
	window := unsafe.Slice((*byte)(d.staging.Host), stagingBytes)
	for at := 0; at < len(data); at += stagingBytes {
		part := data[at:min(at+stagingBytes, len(data))]
		device := uint64(at) + t.off + t.mem.region.off
		op := vk.Op{Kind: vk.Copy, Bytes: uint64(len(part))}
		if up {
			copy(window, part)
			op.Src, op.Dst, op.DstOffset = d.staging.Buffer, t.mem.region.block.Buffer, device
		} else {
			op.Src, op.SrcOffset, op.Dst = t.mem.region.block.Buffer, device, d.staging.Buffer
		}
		if err := d.runOnce(op); err != nil {
			return err
		}
		if !up {
			copy(part, window)
		}
	}
	return nil
}

func (d *Device) runOnce(op vk.Op) error {
	c, err := d.vk.Record([]vk.Op{op}, nil)
	if err != nil {
		return kind("gpu: record", err)
	}
	defer d.vk.FreeCommands(c)
	return d.runLocked([]vk.Commands{c})
}

func (d *Device) openStaging() error {
	if d.staging != nil {
		return nil
	}
	for i, t := range d.vk.Physical.MemoryTypes {
		if t.HostVisible && t.Coherent {
			b, err := d.vk.Allocate(stagingBytes, i)
			if err != nil {
				return kind("gpu: staging", err)
			}
			d.staging = b
			return nil
		}
	}
	return &UnsupportedError{Device: d.info.Name, Feature: "host-visible memory"}
}
