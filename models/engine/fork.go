package engine

import (
	"fmt"
	"iter"

	"github.com/morton-gen/morton/gpu"
)

// Fork makes slot to go on where slot from is. It shares the pages of the first cache slots
// and gets copies of the canvas, of kept hidden states and of patterns. Pages that it had go back. Rows,
// draws and sampling are not copied: rows point to features of their own slot. A shared
// page is copied before a slot writes to it, see [Decoder.Own]. Errors: [ErrRequest],
// [ErrTooLong], gpu.ErrDeviceLost.
func (d *Decoder) Fork(to, from, slots int) error {
	if err := d.Share(to, from, slots); err != nil {
		return err
	}
	r := d.dev.NewRecorder()
	copySlot(r, d.state.Tokens, to, from, d.state.Length*d.state.Sub)
	if l := &d.sys.Layout; l.Places > 0 {
		copySlot(r, d.states, to, from, l.Places*l.State)
	}
	for _, p := range d.patterns {
		copySlot(r, p.Ranges, to, from, p.Ranges.Elems()/d.state.Slots)
	}
	return runOnce(r)
}

// Share lends slot to the pages of the first cache slots of slot from, in place of those
// that it had. Errors are those of [Decoder.Fork].
func (d *Decoder) Share(to, from, slots int) error {
	for _, slot := range []int{to, from} {
		if err := d.fits("Fork", slot, 0, 0); err != nil {
			return err
		}
	}
	n := pagesOf(min(slots, d.sys.Layout.Context))
	if have := len(d.pages.of[from]); to == from || slots < 0 || n > have {
		return fmt.Errorf("engine.Fork: %w: %d pages of slot %d for slot %d, it has %d", ErrRequest, n, from, to, have)
	}
	return d.pages.share(to, from, n)
}

// Own copies the pages that a slot is to write to and that other slots hold too: copy on
// write. It takes the cache slots that are written. It reports whether there were enough
// pages for the copies.
func (d *Decoder) Own(slot int, written iter.Seq[int]) (bool, error) {
	copies, ok, err := d.pages.own(slot, written)
	if err != nil || !ok || len(copies) == 0 {
		return ok, err
	}
	r := d.dev.NewRecorder()
	for _, c := range d.caches {
		for _, t := range []*gpu.Tensor{c.K, c.V} {
			page := t.Dim(1) * t.Dim(2)
			for _, x := range copies {
				copySlot(r, t, int(x.to), int(x.from), page)
			}
		}
	}
	return true, runOnce(r)
}

// lend reserves pages for some cache slots and makes those that are written the slot's
// own. It reports whether there were enough pages.
func (d *Decoder) lend(slot, slots int, written iter.Seq[int]) (bool, error) {
	if ok, err := d.Reserve(slot, slots); err != nil || !ok {
		return false, err
	}
	return d.Own(slot, written)
}

// copySlot records the copy of one slot's part of a table to another's.
func copySlot(r *gpu.Recorder, t *gpu.Tensor, to, from, elems int) {
	r.Copy(t.View(to*elems, elems), t.View(from*elems, elems))
}

// runOnce runs what was recorded.
func runOnce(r *gpu.Recorder) error {
	p, err := r.Finish()
	if err != nil {
		return err
	}
	defer p.Free()
	return p.Run(1)
}
