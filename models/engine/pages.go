package engine

import "github.com/morton-gen/morton/gpu"

// pages lends the pages of a cache to slots as they need them.
type pages struct {
	table *gpu.Tensor // i32 [slots, pages of one]; -1: none
	of    [][]int32   // by slot
	most  int         // pages of one slot
	free  []int32
}

func newPages(dev *gpu.Device, n, slots, most int) (*pages, error) {
	p := &pages{of: make([][]int32, slots), most: most}
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
	at := len(p.free) - missing
	for i := len(p.free) - 1; i >= at; i-- {
		p.of[slot] = append(p.of[slot], p.free[i])
	}
	p.free = p.free[:at]
	return true, p.write(slot)
}

// release takes a slot's pages back.
func (p *pages) release(slot int) error {
	if len(p.of[slot]) == 0 {
		return nil
	}
	p.free = append(p.free, p.of[slot]...)
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
