package gpu

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/gpu/vk"
)

// maxPush is the size of the push constants every Vulkan device has.
const maxPush = 128

// Recorder collects operations for one Program. The first error sticks and is
// returned by Finish, so that operations need not be checked one by one. Broken
// rules are errors that wrap [ErrProgram].
type Recorder struct {
	dev   *Device
	ops   []op
	temps []*storage
	err   error
	done  bool   // Finish was called
	arena *Arena // of the temporaries; nil: one of the program's own
}

type op struct {
	kernel   *Kernel
	pipeline vk.Pipeline
	kind     uint32
	grid     [3]uint32
	in, out  []*Tensor
	params   []uint32
	value    uint32
	work     Work
	tally    *Tally
	detail   string
	guessed  bool // the caller did not say the work
}

// NewRecorder returns an empty recorder.
func (d *Device) NewRecorder() *Recorder { return &Recorder{dev: d} }

// Device returns the recorder's device.
func (r *Recorder) Device() *Device { return r.dev }

// Fail makes Finish return err, unless an earlier error did.
func (r *Recorder) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Err returns the error Finish would return so far.
func (r *Recorder) Err() error { return r.err }

// Temp returns a tensor that exists only while the program runs: its memory is
// shared with other temporaries whose use does not overlap in time. The first
// operation on it must write it whole.
func (r *Recorder) Temp(t tensor.DType, shape ...int) *Tensor {
	if !tensor.Valid(shape) {
		r.Fail(fmt.Errorf("gpu.Temp: %w: shape %v", ErrShape, shape))
		shape = []int{1}
	}
	s := &storage{dev: r.dev, rec: r, first: -1, size: uint64(tensor.Elems(shape) * t.Bytes())}
	r.temps = append(r.temps, s)
	return &Tensor{Shape: append([]int(nil), shape...), DType: t, mem: s}
}

// Call is one dispatch. The kernel's push constants are the addresses of In,
// then of Out (8 bytes each; a nil tensor is address 0), then Params (4 bytes
// each), without padding. Tensors in Out may also be read by the kernel.
type Call struct {
	Kernel  *Kernel
	Grid    [3]int // workgroups; a zero extent means 1
	In, Out []*Tensor
	Params  []uint32
	// Work is what the call does: floating-point operations, a multiplication and an
	// addition being two, an exponential or a root one, and bytes moved at least. It is
	// for profiles and for the length of submits; no Bytes means each tensor once.
	Work Work
	// Tally stands in for Work where only the device knows it.
	Tally *Tally
	// Detail tells calls of a kernel apart in a profile, such as by their extents.
	Detail string
}

// Dispatch records a call.
func (r *Recorder) Dispatch(c Call) {
	o := op{kernel: c.Kernel, kind: vk.Dispatch, in: c.In, out: c.Out, params: c.Params, work: c.Work, tally: c.Tally, detail: c.Detail}
	if c.Tally != nil {
		o.work = c.Tally.most()
	}
	o.guessed = o.work.Bytes == 0
	for i, g := range c.Grid {
		limit := int(r.dev.vk.Physical.MaxGroups[i])
		if g < 0 || g > limit {
			r.Fail(fmt.Errorf("gpu: kernel %s: %w: %d workgroups on axis %d, the device allows %d", c.Kernel.Name, ErrShape, g, i, limit))
		}
		o.grid[i] = uint32(max(g, 1))
	}
	if n := 8*(len(c.In)+len(c.Out)) + 4*len(c.Params); n > maxPush {
		r.Fail(fmt.Errorf("gpu: kernel %s: %w: %d bytes of push constants, at most %d", c.Kernel.Name, ErrProgram, n, maxPush))
	}
	p, err := r.dev.pipeline(c.Kernel)
	if err != nil {
		r.Fail(err)
	}
	o.pipeline = p
	r.add(o)
}

// Fill records setting every 4-byte word of t to the bits of value. A tensor of
// 2-byte elements must start and end at a whole word.
func (r *Recorder) Fill(t *Tensor, value uint32) {
	switch {
	case t == nil:
		r.Fail(fmt.Errorf("gpu.Fill: %w: the tensor is nil", ErrShape))
	case t.off%4 != 0 || t.SizeBytes()%4 != 0:
		r.Fail(fmt.Errorf("gpu.Fill: %w: bytes %d to %d are not whole words", ErrShape, t.off, t.off+t.SizeBytes()))
	case t.SizeBytes() > 0:
		r.add(op{kind: vk.Fill, out: []*Tensor{t}, value: value})
	}
}

// Keep copies x to a tensor of its own, which lasts when the program is freed. It returns
// nil where there is no room, which comes out of Finish.
func (r *Recorder) Keep(x *Tensor) *Tensor {
	t, err := r.dev.NewTensor(x.DType, x.Shape...)
	if err != nil {
		r.Fail(err)
		return nil
	}
	r.Copy(t, x)
	return t
}

// Copy records copying src to dst; they must have equal sizes in bytes and not
// overlap.
func (r *Recorder) Copy(dst, src *Tensor) {
	switch {
	case dst == nil || src == nil:
		r.Fail(fmt.Errorf("gpu.Copy: %w: a tensor is nil", ErrShape))
	case dst.SizeBytes() != src.SizeBytes():
		r.Fail(fmt.Errorf("gpu.Copy: %w: %v %v from %v %v", ErrShape, dst.DType, dst.Shape, src.DType, src.Shape))
	case dst.mem == src.mem && overlaps([]span{{dst.off, dst.SizeBytes()}}, span{src.off, src.SizeBytes()}):
		r.Fail(fmt.Errorf("gpu.Copy: %w: the tensors overlap", ErrShape))
	case dst.SizeBytes() > 0:
		r.add(op{kind: vk.Copy, in: []*Tensor{src}, out: []*Tensor{dst}})
	}
}

func (r *Recorder) add(o op) {
	if r.done {
		r.Fail(errFinished)
	}
	i := len(r.ops)
	for _, t := range o.in {
		r.use(t, i, false)
	}
	for _, t := range o.out {
		r.use(t, i, true)
	}
	if o.work.Bytes == 0 {
		o.work.Bytes = o.touched()
	}
	r.ops = append(r.ops, o)
}

// touched is the size of all tensors of the operation.
func (o *op) touched() int64 {
	var n uint64
	for _, list := range [2][]*Tensor{o.in, o.out} {
		for _, t := range list {
			if t != nil {
				n += t.SizeBytes()
			}
		}
	}
	return int64(n)
}

func (r *Recorder) use(t *Tensor, i int, write bool) {
	if t == nil {
		return
	}
	s := t.mem
	switch {
	case s.dev != r.dev:
		r.Fail(fmt.Errorf("gpu: %w: operation %d uses a tensor of another device", ErrProgram, i))
	case s.rec != nil && s.rec != r:
		r.Fail(fmt.Errorf("gpu: %w: operation %d uses a temporary of another recorder", ErrProgram, i))
	case s.rec == r && !write && !s.written:
		r.Fail(fmt.Errorf("gpu: %w: operation %d reads a temporary %v nothing has written", ErrProgram, i, t.Shape))
	case s.freed.Load():
		r.Fail(fmt.Errorf("gpu: %w: operation %d uses a freed tensor", ErrProgram, i))
	}
	if s.first < 0 {
		s.first = i
	}
	s.last = i
	s.written = s.written || write
}

// F32Param encodes a float for [Call].Params.
func F32Param(x float32) uint32 { return math.Float32bits(x) }

// Linear returns a grid of at least n workgroups that keeps to every device's
// limit on one axis; kernels number them row by row and ignore the surplus.
func Linear(n int) [3]int {
	const row = 32768
	if n <= row {
		return [3]int{n, 1, 1}
	}
	return [3]int{row, (n + row - 1) / row, 1}
}
