package gpu

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu/vk"
)

// poison stands for memory an operation has no business with: as a float it is not
// a number, as an index it is -1.
const poison = 0xff

// Verify runs the program once and holds every operation to the tensors it declares, on
// which barriers and the sharing of memory rely. Each operation runs twice. After the
// first run, device memory may differ from before only in the outputs. Before the second
// run, all memory but the operation's tensors is poisoned, and the outputs must have the
// same bits. It is for tests with small tensors; nothing else may use the device
// meanwhile. Errors: [ErrOverrun] for a write outside, [ErrProgram] for a result that
// depends on memory outside, [ErrUnsupported] where the host cannot see the device's
// memory, and Run's.
func (p *Program) Verify() error {
	if err := p.dev.enter(); err != nil {
		return err
	}
	defer p.dev.leave()
	p.dev.mu.Lock()
	defer p.dev.mu.Unlock()
	if err := p.alive("gpu.Verify"); err != nil {
		return err
	}
	s, err := p.dev.shadow()
	if err != nil {
		return err
	}
	for i := range p.ops {
		if err := s.check(&p.recorded[i], p.ops[i:i+1], p.push); err != nil {
			return fmt.Errorf("gpu.Verify: operation %d, %s: %w", i, p.recorded[i].name(), err)
		}
	}
	return nil
}

// shadow is the memory of a device's blocks as the host sees it, each up to a
// little past what is in use.
type shadow struct {
	dev  *Device
	mem  [][]byte
	addr []uint64 // device address of the first byte
}

// stretch is a range of bytes of one block.
type stretch struct {
	block    int
	from, to uint64
}

func (d *Device) shadow() (*shadow, error) {
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	s := &shadow{dev: d}
	for _, b := range d.heap.blocks {
		all := b.host()
		if all == nil {
			return nil, &UnsupportedError{Device: d.info.Name, Feature: "memory the host can see, to verify in"}
		}
		end := b.Size
		if n := len(b.free); n > 0 && b.free[n-1].off+b.free[n-1].size == b.Size {
			end = min(b.Size, b.free[n-1].off+64<<10)
		}
		s.mem, s.addr = append(s.mem, all[:end]), append(s.addr, b.Addr)
	}
	return s, nil
}

// check runs one operation, twice.
func (s *shadow) check(o *op, run []vk.Op, push []byte) error {
	before := s.copy()
	if _, err := s.dev.timed(run, push, 0); err != nil {
		return err
	}
	after := s.copy()
	if at := s.differ(before, s.outside(o.out)); at != "" {
		return fmt.Errorf("%w: %s", ErrOverrun, at)
	}
	s.restore(before)
	for _, x := range s.outside(append(slices.Clone(o.in), o.out...)) {
		hidden := s.mem[x.block][x.from:x.to]
		for i := range hidden {
			hidden[i] = poison
		}
	}
	if _, err := s.dev.timed(run, push, 0); err != nil {
		return err
	}
	at := s.differ(after, s.inside(o.out))
	s.restore(after)
	if at != "" {
		return fmt.Errorf("%w: its result depends on memory it does not declare: %s", ErrProgram, at)
	}
	return nil
}

func (s *shadow) copy() [][]byte {
	out := make([][]byte, len(s.mem))
	for i, b := range s.mem {
		out[i] = bytes.Clone(b)
	}
	return out
}

func (s *shadow) restore(from [][]byte) {
	for i, b := range s.mem {
		copy(b, from[i])
	}
}

// inside returns where the tensors lie, in order.
func (s *shadow) inside(ts []*Tensor) []stretch {
	var out []stretch
	for _, t := range ts {
		if t == nil {
			continue
		}
		for i, b := range s.mem {
			if at := t.addr() - s.addr[i]; t.addr() >= s.addr[i] && at < uint64(len(b)) {
				out = append(out, stretch{i, at, at + t.SizeBytes()})
			}
		}
	}
	slices.SortFunc(out, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.from, b.from)) })
	return out
}

// outside returns all memory but the tensors'.
func (s *shadow) outside(ts []*Tensor) []stretch {
	in := s.inside(ts)
	var out []stretch
	for i, b := range s.mem {
		var at uint64
		for _, x := range in {
			if x.block != i {
				continue
			}
			if x.from > at {
				out = append(out, stretch{i, at, x.from})
			}
			at = max(at, x.to)
		}
		out = append(out, stretch{i, at, max(at, uint64(len(b)))})
	}
	return out
}

// differ says where the stretches first differ from a copy, "" if nowhere.
func (s *shadow) differ(from [][]byte, in []stretch) string {
	for _, x := range in {
		got, want := s.mem[x.block][x.from:x.to], from[x.block][x.from:x.to]
		if bytes.Equal(got, want) {
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				return fmt.Sprintf("byte %d of the %d at address %#x", i, len(got), s.addr[x.block]+x.from)
			}
		}
	}
	return ""
}
