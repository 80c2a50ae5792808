package gpu

import (
	"fmt"
	"unsafe"

	"github.com/morton-gen/morton/gpu/tensor"
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

// FillF32 writes an f32 tensor without a copy of it in host memory. It calls fill for one
// range of elements after another, in order, with the index of the first element. fill
// must set all elements of dst. dst may be device memory, so reading it may be slow. An
// error of fill ends the call, and the contents are undefined then.
func (t *Tensor) FillF32(fill func(dst []float32, at int) error) error {
	if err := t.checkHost("gpu.FillF32", tensor.F32, t.Elems()); err != nil {
		return err
	}
	return t.upload(func(dst []byte, at uint64) error {
		return fill(unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)/4), int(at/4))
	})
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
	src := unsafe.Slice((*byte)(p), t.SizeBytes())
	return t.upload(func(dst []byte, at uint64) error {
		copy(dst, src[at:])
		return nil
	})
}

// upload has fill write the tensor's bytes, range after range.
func (t *Tensor) upload(fill func(dst []byte, at uint64) error) error {
	d := t.mem.dev
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if h := t.mapped(); h != nil || t.SizeBytes() == 0 {
		return fill(h, 0)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.staging.upload(d, t, fill)
}

// mapped is the tensor's memory as the host sees it, nil where it does not.
func (t *Tensor) mapped() []byte {
	h := t.mem.region.host()
	if h == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(h, t.off)), t.SizeBytes())
}

func (t *Tensor) read(where string, dt tensor.DType, n int, p unsafe.Pointer) error {
	if err := t.checkHost(where, dt, n); err != nil {
		return err
	}
	d := t.mem.dev
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	dst := unsafe.Slice((*byte)(p), t.SizeBytes())
	if h := t.mapped(); h != nil {
		copy(dst, h)
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.staging.download(d, t, dst)
}
