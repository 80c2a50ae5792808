package gpu

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrOverrun reports that a kernel wrote memory that is not of its tensors.
var ErrOverrun = errors.New("memory outside a tensor was written")

// Under Options.Guard every region lies between guards, which nobody writes: a
// kernel that passes its tensor's end, by a little, breaks one. See also
// [Program.Verify].

const guardBytes = alignBytes

var guardPattern = bytes.Repeat([]byte{0xa5, 0x5a, 0xc3, 0x3c}, guardBytes/4)

// guards holds the regions to check; the heap's mu guards it.
type guards struct {
	live   map[*region]bool
	broken error // the first found at a release
}

// guarded returns the region between the guards of outer, and sets them.
func (g *guards) guarded(outer *region) *region {
	r := &region{outer.block, span{outer.off + guardBytes, outer.size - 2*guardBytes}}
	for _, b := range r.guards() {
		copy(b, guardPattern)
	}
	if g.live == nil {
		g.live = map[*region]bool{}
	}
	g.live[r] = true
	return r
}

// unguarded checks a region and returns what was allocated for it.
func (g *guards) unguarded(r *region) *region {
	if err := r.checkGuards(); g.broken == nil {
		g.broken = err
	}
	delete(g.live, r)
	return &region{r.block, span{r.off - guardBytes, r.size + 2*guardBytes}}
}

// guards are the bytes before and after the region.
func (r *region) guards() [2][]byte {
	all := r.block.host()
	return [2][]byte{all[r.off-guardBytes : r.off], all[r.off+r.size : r.off+r.size+guardBytes]}
}

func (r *region) checkGuards() error {
	for i, b := range r.guards() {
		if !bytes.Equal(b, guardPattern) {
			return fmt.Errorf("gpu: %w: %s %d bytes of device memory", ErrOverrun, [2]string{"before", "after"}[i], r.size)
		}
	}
	return nil
}

// CheckGuards fails if memory before or after a tensor or an arena was written, of
// those alive and of those freed; only a device opened with Options.Guard knows.
// Errors: [ErrOverrun], [ErrClosed].
func (d *Device) CheckGuards() error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	err := d.heap.guards.broken
	for r := range d.heap.guards.live {
		err = errors.Join(err, r.checkGuards())
	}
	return err
}
