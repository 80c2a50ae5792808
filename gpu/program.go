package gpu

import (
	"encoding/binary"
	"fmt"

	"github.com/morton-gen/morton/gpu/vk"
)

// Program is a recorded list of operations with its memory, ready to run any
// number of times.
type Program struct {
	dev   *Device
	cmds  []vk.Commands
	arena []*region
	lent  bool // the arena belongs to an Arena
	stats Stats
	temps []*storage // planned in the arena
	uses  []*storage // tensors the commands name that are not temporaries
	freed bool       // guarded by dev.mu
	// What was recorded, for profiles, to be cut anew, and to be verified.
	ops      []vk.Op
	push     []byte
	recorded []op

	pace    pace
	longest int // operations of the longest of cmds
}

// Stats counts what a program holds.
type Stats struct {
	Dispatches, Barriers int
	ArenaBytes           uint64 // planned temporaries
	TempBytes            uint64 // what they would take without sharing
	Guessed              int    // dispatches whose work is guessed, see [Call]
}

// Stats describes the program.
func (p *Program) Stats() Stats { return p.stats }

var errFinished = fmt.Errorf("gpu.Recorder: %w: it is finished already", ErrProgram)

// Finish plans the temporaries' memory and records the commands; it ends the
// recorder. Errors: what Fail was given, [ErrProgram], [ErrOutOfMemory],
// [ErrClosed].
func (r *Recorder) Finish() (*Program, error) {
	switch {
	case r.err != nil:
		return nil, r.err
	case r.done:
		return nil, errFinished
	}
	if err := r.dev.enter(); err != nil {
		return nil, err
	}
	defer r.dev.leave()
	r.done = true
	p := &Program{dev: r.dev, uses: r.lasting()}
	if err := p.alive("gpu.Finish"); err != nil {
		return nil, err
	}
	if err := p.plan(r.temps, r.arena); err != nil {
		return nil, err
	}
	p.ops, p.push = r.encode(p)
	p.recorded = r.ops
	p.pace.most = opsPerCommands
	if err := p.record(); err != nil {
		p.free()
		return nil, err
	}
	return p, nil
}

// lasting lists the storage the operations use that is not temporary.
func (r *Recorder) lasting() []*storage {
	var out []*storage
	seen := map[*storage]bool{}
	for i := range r.ops {
		for _, list := range [2][]*Tensor{r.ops[i].in, r.ops[i].out} {
			for _, t := range list {
				if t != nil && t.mem.rec == nil && !seen[t.mem] {
					seen[t.mem] = true
					out = append(out, t.mem)
				}
			}
		}
	}
	return out
}

// alive fails if the program or a tensor it uses was freed.
func (p *Program) alive(where string) error {
	if p.freed {
		return fmt.Errorf("%s: %w: the program was freed", where, ErrProgram)
	}
	for _, s := range p.uses {
		if s.freed.Load() {
			return fmt.Errorf("%s: %w: a tensor of %d bytes it uses was freed", where, ErrProgram, s.size)
		}
	}
	return nil
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
		if i > 0 && r.dev.opts.BarrierAll {
			h.reset()
			v.Barrier = 1
		}
		if h.next(o) {
			v.Barrier = 1
		}
		p.stats.Barriers += int(v.Barrier)
		if o.kind == vk.Dispatch {
			p.stats.Dispatches++
			if o.guessed {
				p.stats.Guessed++
			}
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

// Run runs the program n times in a row and waits; below 1 it does nothing. What
// takes long goes to the device in several submits, of some 200 ms each. Errors: [ErrDeviceLost] if the device stopped answering,
// [ErrProgram] if the program or a tensor it uses was freed, [ErrClosed].
func (p *Program) Run(n int) error {
	if err := p.dev.enter(); err != nil {
		return err
	}
	defer p.dev.leave()
	p.dev.mu.Lock()
	defer p.dev.mu.Unlock()
	if err := p.alive("gpu.Run"); err != nil {
		return err
	}
	return p.runLocked(n)
}

// runLocked runs the program; the caller holds the device's mu.
func (p *Program) runLocked(n int) error {
	if p.dev.profile != nil {
		for range n {
			if err := p.dev.profile.run(p); err != nil {
				return err
			}
		}
		return nil
	}
	return p.repeat(n)
}

// Free gives the program's memory back, once a run in progress has ended.
func (p *Program) Free() {
	if p.dev.enter() != nil {
		return // Close freed it
	}
	defer p.dev.leave()
	p.dev.mu.Lock()
	defer p.dev.mu.Unlock()
	p.free()
}

func (p *Program) free() {
	p.freed = true
	p.freeCommands(p.cmds)
	p.cmds, p.ops, p.push, p.recorded = nil, nil, nil, nil
	for _, s := range p.temps {
		s.freed.Store(true)
	}
	if !p.lent {
		p.dev.heap.releaseAll(p.arena)
	}
	p.arena = nil
}
