package gpu

import (
	"fmt"
	"unsafe"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/gpu/vk"
)

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

// WriteBytes copies data to the device as it is, for a tensor of any type:
// elements in the device's byte order, which is little-endian.
func (t *Tensor) WriteBytes(data []byte) error {
	return t.write("gpu.WriteBytes", t.DType, t.elemsIn(data), unsafe.Pointer(unsafe.SliceData(data)))
}

// ReadBytes copies a tensor of any type from the device into dst; see WriteBytes.
func (t *Tensor) ReadBytes(dst []byte) error {
	return t.read("gpu.ReadBytes", t.DType, t.elemsIn(dst), unsafe.Pointer(unsafe.SliceData(dst)))
}

// elemsIn is the number of elements in b, -1 if the last is cut short.
func (t *Tensor) elemsIn(b []byte) int {
	if len(b)%t.DType.Bytes() != 0 {
		return -1
	}
	return len(b) / t.DType.Bytes()
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
	case t.mem.freed.Load() || t.mem.region == nil:
		return fmt.Errorf("%s: %w: the tensor is freed or not yet planned", where, ErrProgram)
	}
	return nil
}

func (t *Tensor) write(where string, dt tensor.DType, n int, p unsafe.Pointer) error {
	if err := t.checkHost(where, dt, n); err != nil {
		return err
	}
	if err := t.mem.dev.enter(); err != nil {
		return err
	}
	defer t.mem.dev.leave()
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
	if err := t.mem.dev.enter(); err != nil {
		return err
	}
	defer t.mem.dev.leave()
	dst := unsafe.Slice((*byte)(p), t.SizeBytes())
	if h := t.mem.region.host(); h != nil {
		copy(dst, unsafe.Slice((*byte)(unsafe.Add(h, t.off)), len(dst)))
		return nil
	}
	return t.mem.dev.stage(t, dst, false)
}

const stagingBytes = 16 << 20

// stage copies between host bytes and device memory the host cannot see, a
// window at a time.
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
		if _, err := d.timed([]vk.Op{op}, nil); err != nil {
			return err
		}
		if !up {
			copy(part, window)
		}
	}
	return nil
}

func (d *Device) openStaging() error {
	if d.staging != nil {
		return nil
	}
	if d.heap.stagingTyp < 0 {
		return &UnsupportedError{Device: d.info.Name, Feature: "host-visible memory"}
	}
	b, err := d.vk.Allocate(stagingBytes, d.heap.stagingTyp)
	if err != nil {
		return kind("gpu: staging", err)
	}
	d.staging = b
	return nil
}
