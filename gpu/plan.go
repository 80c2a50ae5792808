package gpu

import (
	"fmt"
	"sort"
)

// plan places temporaries in one arena so that two share bytes only if one's
// last use comes before the other's first. Largest first, each at the lowest
// offset that is free over its whole life: the usual greedy for this interval
// packing, within a few percent of the best in practice. The arena is cut into pieces as
// large as one allocation may be, and no temporary lies in two.
func (p *Program) plan(temps []*storage, shared *Arena) error {
	var live []*storage
	for _, s := range temps {
		if s.first >= 0 {
			live = append(live, s)
			p.stats.TempBytes += roundUp(s.size)
		}
	}
	piece := p.dev.heap.piece()
	for _, s := range live {
		if roundUp(s.size) > piece {
			return fmt.Errorf("gpu.Finish: one temporary: %w", &OutOfMemoryError{Needed: roundUp(s.size), Available: piece})
		}
	}
	offsets, total := place(live, piece)
	p.stats.ArenaBytes = total
	if total == 0 {
		return nil
	}
	alloc := p.dev.heap.pieces
	if p.lent = shared != nil; p.lent {
		alloc = shared.take
	}
	arena, err := alloc(total)
	if err != nil {
		return fmt.Errorf("gpu.Finish: arena of %d temporaries: %w", len(live), err)
	}
	p.arena, p.temps = arena, live
	for i, s := range live {
		in := arena[offsets[i]/piece]
		s.region = &region{in.block, span{in.off + offsets[i]%piece, roundUp(s.size)}}
	}
	return nil
}

// place sorts temporaries by size and returns their offsets and the arena's size.
func place(live []*storage, piece uint64) (offsets []uint64, total uint64) {
	sort.SliceStable(live, func(i, j int) bool { return live[i].size > live[j].size })
	offsets = make([]uint64, len(live))
	for i, s := range live {
		offsets[i] = lowestFit(live[:i], offsets, s, piece)
		total = max(total, offsets[i]+roundUp(s.size))
	}
	return offsets, total
}

func roundUp(n uint64) uint64 { return (n + alignBytes - 1) &^ (alignBytes - 1) }

// lowestFit returns the lowest offset in one piece at which s overlaps no placed temporary
// that is alive at the same time.
func lowestFit(placed []*storage, offsets []uint64, s *storage, piece uint64) uint64 {
	var busy []span
	for i, o := range placed {
		if o.first <= s.last && s.first <= o.last {
			busy = append(busy, span{offsets[i], roundUp(o.size)})
		}
	}
	sort.Slice(busy, func(i, j int) bool { return busy[i].off < busy[j].off })
	size := roundUp(s.size)
	var at uint64
	for _, b := range busy {
		if at+size <= b.off {
			break
		}
		if at = max(at, b.off+b.size); at/piece != (at+size-1)/piece {
			at = (at/piece + 1) * piece
		}
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
