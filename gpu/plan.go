package gpu

import (
	"fmt"
	"sort"
)

// plan places temporaries in one arena so that two share bytes only if one's
// last use comes before the other's first. Largest first, each at the lowest
// offset that is free over its whole life: the usual greedy for this interval
// packing, within a few percent of the best in practice.
func (p *Program) plan(temps []*storage, shared *Arena) error {
	var live []*storage
	for _, s := range temps {
		if s.first >= 0 {
			live = append(live, s)
			p.stats.TempBytes += roundUp(s.size)
		}
	}
	offsets, total := place(live)
	p.stats.ArenaBytes = total
	if total == 0 {
		return nil
	}
	alloc := p.dev.heap.alloc
	if p.lent = shared != nil; p.lent {
		alloc = shared.take
	}
	arena, err := alloc(total)
	if err != nil {
		return fmt.Errorf("gpu.Finish: arena of %d temporaries: %w", len(live), err)
	}
	p.arena, p.temps = arena, live
	for i, s := range live {
		s.region = &region{arena.block, span{arena.off + offsets[i], roundUp(s.size)}}
	}
	return nil
}

// place sorts temporaries by size and returns their offsets and the arena's size.
func place(live []*storage) (offsets []uint64, total uint64) {
	sort.SliceStable(live, func(i, j int) bool { return live[i].size > live[j].size })
	offsets = make([]uint64, len(live))
	for i, s := range live {
		offsets[i] = lowestFit(live[:i], offsets, s)
		total = max(total, offsets[i]+roundUp(s.size))
	}
	return offsets, total
}

func roundUp(n uint64) uint64 { return (n + alignBytes - 1) &^ (alignBytes - 1) }

// lowestFit returns the lowest offset at which s overlaps no placed temporary
// that is alive at the same time.
func lowestFit(placed []*storage, offsets []uint64, s *storage) uint64 {
	var busy []span
	for i, o := range placed {
		if o.first <= s.last && s.first <= o.last {
			busy = append(busy, span{offsets[i], roundUp(o.size)})
		}
	}
	sort.Slice(busy, func(i, j int) bool { return busy[i].off < busy[j].off })
	var at uint64
	for _, b := range busy {
		if at+roundUp(s.size) <= b.off {
			break
		}
		at = max(at, b.off+b.size)
	}
	return at
}

// hazards remembers what was read and written since the last barrier.
type hazards struct{ reads, writes []span }

func (h *hazards) reset() { h.reads, h.writes = h.reads[:0], h.writes[:0] }

// next takes the next operation and reports whether a barrier must come before it.
func (h *hazards) next(o *op) bool {
	barrier := h.conflicts(o)
	if barrier {
		h.reset()
	}
	h.add(o)
	return barrier
}

func (h *hazards) add(o *op) {
	for _, t := range o.in {
		if t != nil {
			h.reads = append(h.reads, t.span())
		}
	}
	for _, t := range o.out {
		if t != nil {
			h.writes = append(h.writes, t.span())
		}
	}
}

// conflicts reports whether o reads what was written, or writes what was read
// or written, since the last barrier.
func (h *hazards) conflicts(o *op) bool {
	for _, t := range o.in {
		if t != nil && overlaps(h.writes, t.span()) {
			return true
		}
	}
	for _, t := range o.out {
		if t != nil && (overlaps(h.writes, t.span()) || overlaps(h.reads, t.span())) {
			return true
		}
	}
	return false
}

func overlaps(list []span, s span) bool {
	for _, o := range list {
		if o.off < s.off+s.size && s.off < o.off+o.size {
			return true
		}
	}
	return false
}

// span is the tensor's range of device addresses.
func (t *Tensor) span() span { return span{t.addr(), t.SizeBytes()} }
