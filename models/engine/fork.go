package engine

import (
	"errors"
	"fmt"
	"iter"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
)

// Fork makes slot to go on where slot from is. It shares the pages of the first cache slots,
// by group of the cache, and gets copies of the canvas, of kept hidden states and of patterns. Pages that it had go back. Rows,
// draws and sampling are not copied: rows point to features of their own slot. A shared
// page is copied before a slot writes to it, see [Decoder.Own]. Errors: [ErrRequest],
// [ErrTooLong], gpu.ErrDeviceLost.
func (d *Decoder) Fork(to, from int, slots ...int) error {
	if err := d.Share(to, from, slots...); err != nil {
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

// Share lends slot to the pages of the first cache slots of slot from, by group of the cache,
// in place of those that it had. Of groups that are not named it has none. Errors are those of [Decoder.Fork].
func (d *Decoder) Share(to, from int, slots ...int) error {
	for _, slot := range []int{to, from} {
		if err := d.fits("Fork", slot, 0, 0); err != nil {
			return err
		}
	}
	pages := make([]int, len(d.pages))
	for i, p := range d.pages {
		if i < len(slots) {
			pages[i] = pagesOf(min(slots[i], d.sys.Layout.Slots(i)))
		}
		if have := len(p.of[from]); to == from || i < len(slots) && slots[i] < 0 || pages[i] > have {
			return fmt.Errorf("engine.Fork: %w: %d pages of slot %d for slot %d, it has %d", ErrRequest, pages[i], from, to, have)
		}
	}
	var errs []error
	for i, p := range d.pages {
		errs = append(errs, p.share(to, from, pages[i]))
	}
	return errors.Join(errs...)
}

// held returns the cache slots that the pages of a slot have, by group.
func (d *Decoder) held(slot int) (slots []int) {
	for _, p := range d.pages {
		slots = append(slots, len(p.of[slot])*attention.MinPage)
	}
	return slots
}

// Own copies the pages that a slot is to write to in a group of the cache, and that other
// slots hold too: copy on write. It takes the cache slots that are written. It reports whether
// there were enough pages for the copies.
func (d *Decoder) Own(slot, group int, written iter.Seq[int]) (bool, error) {
	copies, ok, err := d.pages[group].own(slot, written)
	if err != nil || !ok || len(copies) == 0 {
		return ok, err
	}
	r := d.dev.NewRecorder()
	for i, c := range d.caches {
		if d.sys.Params.Attentions[i].Group != group {
			continue
		}
		for _, t := range []*gpu.Tensor{c.K, c.V} {
			page := t.Dim(1) * t.Dim(2)
			for _, x := range copies {
				copySlot(r, t, int(x.to), int(x.from), page)
			}
		}
	}
	return true, runOnce(r)
}

// lend reserves pages for some slots of a group of the cache, and makes those that are
// written the slot's own. It reports whether there were enough pages.
func (d *Decoder) lend(slot, group, slots int, written iter.Seq[int]) (bool, error) {
	if ok, err := d.pages[group].reserve(slot, pagesOf(slots)); err != nil || !ok {
		return false, err
	}
	return d.Own(slot, group, written)
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
