package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// LoadRows writes rows of a request to a slot's table, from entry from on. Row i is row
// number+i of the request. Beyond the context, its keys replace the oldest but for the
// first sink rows. Errors: [ErrTooLong], [ErrRequest].
func (d *Decoder) LoadRows(slot, from, number, pinned int, r *system.Rows) error {
	if err := d.fits("LoadRows", slot, from, r.N); err != nil || r.N == 0 {
		return err
	}
	l := &d.sys.Layout
	for _, c := range []struct{ have, want int }{{len(r.Fixed), l.Fixed}, {len(r.Inputs), l.Inputs}, {len(r.Axes), l.Axes}, {len(r.KVLen), 1}} {
		if c.have != r.N*c.want {
			return fmt.Errorf("engine.LoadRows: %w: %d values in a column of %d for %d rows", ErrRequest, c.have, c.want, r.N)
		}
	}
	if r.Ranges != nil && len(r.Ranges) != r.N*2*l.Ranges {
		return fmt.Errorf("engine.LoadRows: %w: %d bounds of ranges for %d rows with %d ranges each", ErrRequest, len(r.Ranges), r.N, l.Ranges)
	}
	recalls := max(l.Recalls, 1)
	if r.Keep != nil && len(r.Keep) != r.N || r.Recall != nil && len(r.Recall) != recalls*r.N || l.Places == 0 && (r.Keep != nil || r.Recall != nil) {
		return fmt.Errorf("engine.LoadRows: %w: %d and %d places of hidden states for %d rows of a system that has %d", ErrRequest, len(r.Keep), len(r.Recall), r.N, l.Places)
	}
	fixed := r.Fixed
	if r.Features != nil {
		var err error
		if fixed, err = d.loadFeatures(slot, from, r); err != nil {
			return err
		}
	}
	most := int32(slices.Max(append([]int{l.Context}, l.Caches...)))
	out := make([]int32, 0, r.N*d.state.RowColumns())
	for i := range r.N {
		out = append(out, fixed[i*l.Fixed:(i+1)*l.Fixed]...)
		out = append(out, r.Inputs[i*l.Inputs:(i+1)*l.Inputs]...)
		out = append(out, r.Axes[i*l.Axes:(i+1)*l.Axes]...)
		at := place(number+i, l.Context, pinned)
		if r.Slot != nil {
			at = int(r.Slot[i])
		}
		out = append(out, int32(at), min(r.KVLen[i], most))
		if l.Places > 0 {
			out = append(out, entry(r.Keep, i))
			for k := range recalls {
				out = append(out, entry(r.Recall, i*recalls+k))
			}
		}
		ranges := make([]int32, 2*l.Ranges)
		if r.Ranges != nil {
			copy(ranges, r.Ranges[i*2*l.Ranges:])
		} else if l.Ranges > 0 {
			ranges[1] = min(r.KVLen[i], most)
		}
		out = append(out, ranges...)
	}
	cols := d.state.RowColumns()
	return d.state.Rows.View((slot*d.state.Length+from)*cols, len(out)).WriteI32(out)
}

// entry returns entry i of a column, -1 if there is no column.
func entry(column []int32, i int) int32 {
	if column == nil {
		return -1
	}
	return column[i]
}

// place returns the cache slot of a request's row.
func place(row, context, pinned int) int {
	if row < context {
		return row
	}
	return pinned + (row-pinned)%(context-pinned)
}

// loadFeatures writes the features of rows. It returns fixed ids that point to them.
func (d *Decoder) loadFeatures(slot, from int, r *system.Rows) ([]int32, error) {
	width := d.sys.Layout.Features
	most := featureRows(&d.sys.Layout)
	if len(r.Features) != r.N*width || d.sys.Layout.Fixed < 1 || from+r.N > most {
		return nil, fmt.Errorf("engine.LoadRows: %w: %d features for %d rows of %d", ErrRequest, len(r.Features), r.N, width)
	}
	first := slot*most + from
	fixed := make([]int32, len(r.Fixed))
	for i := range fixed {
		fixed[i] = -1
	}
	for i := range r.N {
		fixed[i*d.sys.Layout.Fixed] = int32(first + i)
	}
	return fixed, d.vectors.View(first*width, len(r.Features)).WriteF32(r.Features)
}

// LoadTargets writes draws of a request to a slot's table, from entry from on. A target
// without a scale of guidance gets scale. Errors: [ErrTooLong], [ErrRequest].
func (d *Decoder) LoadTargets(slot, from int, w *system.Targets, ask int, scale float32) error {
	if err := d.fits("LoadDraws", slot, from, w.N); err != nil || w.N == 0 {
		return err
	}
	h, scales := max(d.sys.Layout.Directions, 1), max(d.sys.Layout.Branches, 2)-1
	if len(w.At) != w.N || w.TokenRange != nil && len(w.TokenRange) != 2*w.N || w.From != nil && len(w.From) != h*w.N || w.Scale != nil && len(w.Scale) != scales*w.N || w.Heat != nil && len(w.Heat) != w.N || w.Passes != nil && len(w.Passes) != 2*w.N {
		return fmt.Errorf("engine.LoadDraws: %w: columns of %d, %d, %d, %d, %d and %d for %d draws", ErrRequest, len(w.At), len(w.TokenRange), len(w.From), len(w.Scale), len(w.Heat), len(w.Passes), w.N)
	}
	out := make([]int32, 0, w.N*d.state.TargetColumns())
	for i := range w.N {
		if at := int(w.At[i]); at < 0 || at >= d.state.Length {
			return fmt.Errorf("engine.LoadDraws: %w: position %d of %d", ErrTooLong, at, d.state.Length)
		}
		lo, hi, s, heat := int32(0), int32(max(d.sys.Token.Values, 1)), scale, float32(1)
		if w.TokenRange != nil {
			lo, hi = w.TokenRange[2*i], w.TokenRange[2*i+1]
		}
		if d.refined != nil && (w.TokenRange == nil || w.Passes != nil) {
			hi = int32(d.refined.head.Passes())
			if w.Passes != nil {
				lo, hi = w.Passes[2*i], w.Passes[2*i+1]
			}
		}
		further := slices.Repeat([]float32{1}, scales-1)
		if w.Scale != nil {
			s, further = w.Scale[i*scales], w.Scale[i*scales+1:(i+1)*scales]
		}
		if w.Heat != nil {
			heat = w.Heat[i]
		}
		out = append(out, w.At[i], lo, hi, int32(math.Float32bits(s)), int32(math.Float32bits(heat)))
		if w.From != nil {
			out = append(out, w.From[i*h:(i+1)*h]...)
		} else {
			out = append(out, slices.Repeat([]int32{int32(i % ask)}, h)...)
		}
		for _, x := range further {
			out = append(out, int32(math.Float32bits(x)))
		}
	}
	cols := d.state.TargetColumns()
	return d.state.Targets.View((slot*d.state.Length+from)*cols, len(out)).WriteI32(out)
}
