package engine

import (
	"iter"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
)

// pages lends the pages of a cache to slots as they need them. Several slots may hold a
// page. It is free again when none does.
type pages struct {
	table   *gpu.Tensor // i32 [slots, pages of one]; -1: none
	of      [][]int32   // by slot
	holders []int32     // slots that hold a page
	most    int         // pages of one slot
	free    []int32
}

// pageCopy is a page whose content goes to another.
type pageCopy struct{ to, from int32 }

func newPages(dev *gpu.Device, n, slots, most int) (*pages, error) {
	p := &pages{of: make([][]int32, slots), holders: make([]int32, n), most: most}
	for i := n - 1; i >= 0; i-- {
		p.free = append(p.free, int32(i))
	}
	none := make([]int32, slots*most)
	for i := range none {
		none[i] = -1
	}
	var err error
	p.table, err = dev.FromI32(none, slots, most)
	return p, err
}

// lent is the number of pages that some slot holds.
func (p *pages) lent() int { return len(p.holders) - len(p.free) }

// take lends a free page to one slot.
func (p *pages) take() int32 {
	last := len(p.free) - 1
	page := p.free[last]
	p.free = p.free[:last]
	p.holders[page] = 1
	return page
}

// drop takes a page from one of its holders.
func (p *pages) drop(page int32) {
	p.holders[page]--
	if p.holders[page] == 0 {
		p.free = append(p.free, page)
	}
}

// reserve lends a slot pages until it has n. It reports whether there were enough.
func (p *pages) reserve(slot, n int) (bool, error) {
	n = min(n, p.most)
	missing := n - len(p.of[slot])
	if missing <= 0 {
		return true, nil
	}
	if missing > len(p.free) {
		return false, nil
	}
	for range missing {
		p.of[slot] = append(p.of[slot], p.take())
	}
	return true, p.write(slot)
}

// share lends a slot the first n pages of another, in place of those that it has.
func (p *pages) share(to, from, n int) error {
	shared := p.of[from][:n]
	for _, page := range shared {
		p.holders[page]++
	}
	for _, page := range p.of[to] {
		p.drop(page)
	}
	p.of[to] = append([]int32(nil), shared...)
	return p.write(to)
}

// shares reports whether another slot holds a page of this one.
func (p *pages) shares(slot int) bool {
	for _, page := range p.of[slot] {
		if p.holders[page] > 1 {
			return true
		}
	}
	return false
}

// own replaces the pages of some cache slots that others hold too. It returns what the
// caller must copy, and whether there were enough pages. Without enough nothing changes.
func (p *pages) own(slot int, written iter.Seq[int]) (copies []pageCopy, ok bool, err error) {
	if !p.shares(slot) {
		return nil, true, nil
	}
	of := p.of[slot]
	apart := map[int]bool{}
	for at := range written {
		if i := at / attention.MinPage; i < len(of) && p.holders[of[i]] > 1 {
			apart[i] = true
		}
	}
	if len(apart) == 0 || len(apart) > len(p.free) {
		return nil, len(apart) == 0, nil
	}
	for i := range of {
		if apart[i] {
			c := pageCopy{to: p.take(), from: of[i]}
			p.drop(of[i])
			of[i] = c.to
			copies = append(copies, c)
		}
	}
	return copies, true, p.write(slot)
}

// release takes a slot's pages back. Those that others hold stay theirs.
func (p *pages) release(slot int) error {
	if len(p.of[slot]) == 0 {
		return nil
	}
	for _, page := range p.of[slot] {
		p.drop(page)
	}
	p.of[slot] = nil
	return p.write(slot)
}

func (p *pages) write(slot int) error {
	row := make([]int32, p.most)
	for i := range row {
		row[i] = -1
		if i < len(p.of[slot]) {
			row[i] = p.of[slot][i]
		}
	}
	return p.table.View(slot*p.most, p.most).WriteI32(row)
}
