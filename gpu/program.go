package gpu

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/gpu/vk"
)

// maxPush is the size of the push constants every Vulkan device has.
const maxPush = 128

// Recorder collects operations for a Program. The first error sticks and is
// returned by Finish, so that operations need not be checked one by one.
type Recorder struct {
	dev   *Device
	ops   []op
	temps []*storage
	err   error
}

type op struct {
	kernel   *Kernel
	pipeline vk.Pipeline
	kind     uint32
	grid     [3]uint32
	in, out  []*Tensor
	params   []uint32
	value    uint32
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
}

// Dispatch records a call.
func (r *Recorder) Dispatch(c Call) {
	o := op{kernel: c.Kernel, kind: vk.Dispatch, in: c.In, out: c.Out, params: c.Params}
	for i, g := range c.Grid {
		g = max(g, 1)
		if g > int(r.dev.vk.Physical.MaxGroups[i]) {
			r.Fail(fmt.Errorf("gpu: kernel %s: %w: %d workgroups on axis %d, the device allows %d", c.Kernel.Name, ErrShape, g, i, r.dev.vk.Physical.MaxGroups[i]))
		}
		o.grid[i] = uint32(g)
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

// Fill records setting every 4-byte word of t to the bits of value.
func (r *Recorder) Fill(t *Tensor, value uint32) {
	r.add(op{kind: vk.Fill, out: []*Tensor{t}, value: value})
}

// Copy records copying src to dst; they must have equal sizes in bytes.
func (r *Recorder) Copy(dst, src *Tensor) {
	if dst.SizeBytes() != src.SizeBytes() {
		r.Fail(fmt.Errorf("gpu.Copy: %w: %v %v from %v %v", ErrShape, dst.DType, dst.Shape, src.DType, src.Shape))
	}
	r.add(op{kind: vk.Copy, in: []*Tensor{src}, out: []*Tensor{dst}})
}

func (r *Recorder) add(o op) {
	i := len(r.ops)
	for _, t := range o.in {
		r.use(t, i, false)
	}
	for _, t := range o.out {
		r.use(t, i, true)
	}
	r.ops = append(r.ops, o)
}

func (r *Recorder) use(t *Tensor, i int, write bool) {
	if t == nil {
		return
	}
	s := t.mem
	switch {
	case s.rec != nil && s.rec != r:
		r.Fail(fmt.Errorf("gpu: %w: operation %d uses a temporary of another recorder", ErrProgram, i))
	case s.rec == r && !write && !s.written:
		r.Fail(fmt.Errorf("gpu: %w: operation %d reads a temporary %v nothing has written", ErrProgram, i, t.Shape))
	case s.rec == nil && s.region == nil:
		r.Fail(fmt.Errorf("gpu: %w: operation %d uses a freed tensor", ErrProgram, i))
	}
	if s.first < 0 {
		s.first = i
	}
	s.last = i
	s.written = s.written || write
}

// Program is a recorded list of operations with its memory, ready to run any
// number of times.
type Program struct {
	dev   *Device
	cmds  []vk.Commands
	arena *region
	stats Stats
	// What was recorded, for Profile.
	ops   []vk.Op
	push  []byte
	names []string
}

// Stats counts what a program holds.
type Stats struct {
	Dispatches, Barriers int
	ArenaBytes           uint64 // planned temporaries
	TempBytes            uint64 // what they would take without sharing
}

// Stats describes the program.
func (p *Program) Stats() Stats { return p.stats }

// opsPerCommands caps the length of one command buffer.
const opsPerCommands = 4096

// Finish plans the temporaries' memory and records the commands. Errors: what
// Fail was given, [ErrOutOfMemory].
func (r *Recorder) Finish() (*Program, error) {
	if r.err != nil {
		return nil, r.err
	}
	p := &Program{dev: r.dev}
	if err := p.plan(r.temps); err != nil {
		return nil, err
	}
	ops, push := r.encode(p)
	p.ops, p.push = ops, push
	for i := range r.ops {
		p.names = append(p.names, r.ops[i].name())
	}
	for at := 0; at < len(ops); at += opsPerCommands {
		c, err := r.dev.vk.Record(ops[at:min(at+opsPerCommands, len(ops))], push)
		if err != nil {
			p.Free()
			return nil, kind("gpu.Finish", err)
		}
		p.cmds = append(p.cmds, c)
	}
	return p, nil
}

// encode turns operations into vk.Ops: it fills the push constants with the
// planned addresses and places barriers where tensors overlap.
func (r *Recorder) encode(p *Program) ([]vk.Op, []byte) {
	var push []byte
	var h hazards
	out := make([]vk.Op, len(r.ops))
	for i := range r.ops {
		o := &r.ops[i]
		v := &out[i]
		v.Kind, v.Groups, v.Pipeline, v.Value = o.kind, o.grid, o.pipeline, o.value
		if i%opsPerCommands == 0 {
			h.reset() // every command buffer opens with a barrier of its own
		} else if h.conflicts(o) || r.dev.opts.BarrierAll {
			v.Barrier = 1
			p.stats.Barriers++
			h.reset()
		}
		h.add(o)
		if o.kind == vk.Dispatch {
			p.stats.Dispatches++
			v.PushOffset = uint32(len(push))
			push = o.appendPush(push)
			v.PushBytes = uint32(len(push)) - v.PushOffset
			continue
		}
		d := o.out[0]
		v.Dst, v.DstOffset, v.Bytes = d.mem.region.block.Buffer, d.mem.region.off+d.off, d.SizeBytes()
		if o.kind == vk.Copy {
			s := o.in[0]
			v.Src, v.SrcOffset = s.mem.region.block.Buffer, s.mem.region.off+s.off
		}
	}
	return out, push
}

func (o *op) appendPush(push []byte) []byte {
	for _, list := range [2][]*Tensor{o.in, o.out} {
		for _, t := range list {
			var a uint64
			if t != nil {
				a = t.addr()
			}
			push = binary.LittleEndian.AppendUint64(push, a)
		}
	}
	for _, x := range o.params {
		push = binary.LittleEndian.AppendUint32(push, x)
	}
	return push
}

// Run runs the program n times in a row, in one submit, and waits. The error
// wraps [ErrDeviceLost] if the device stopped answering.
func (p *Program) Run(n int) error {
	list := make([]vk.Commands, 0, n*len(p.cmds))
	for range n {
		list = append(list, p.cmds...)
	}
	return p.dev.run(list)
}

// Free gives the program's memory back. It must not be running.
func (p *Program) Free() {
	p.dev.mu.Lock()
	defer p.dev.mu.Unlock()
	if p.dev.vk == nil {
		return
	}
	for _, c := range p.cmds {
		p.dev.vk.FreeCommands(c)
	}
	p.cmds = nil
	if p.arena != nil {
		p.dev.heap.release(p.arena)
		p.arena = nil
	}
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
