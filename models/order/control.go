package order

import (
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Control steers the rows that predict a picture's cells. In Layers stages, from Stage on,
// rows of its features each keep a hidden state, of which that of a cell is recalled by the
// row that predicts it.
//
// Source: Li et al., "ControlAR: Controllable Image Generation with Autoregressive Models",
// 2024, arXiv:2410.02705.
type Control struct {
	Features      []float32 // [cells, the layout's features]; nil: there is no control
	Stage, Layers int
}

// Controlled is Raster with a control, which the other branch of guidance does not have. What
// is only read comes first: requests share it.
func (g Grid) Controlled(c Conditions, guide GuidanceScale, k Control) system.Schedule {
	runs := g.raster(c, guide)
	first := slices.IndexFunc(runs, func(r system.Run) bool { return r.GroupTargets > 0 })
	for i := range runs[first:] {
		g.steer(&runs[first+i], k)
	}
	if k.Features == nil {
		return Fixed(runs...)
	}
	return Fixed(slices.Insert(runs, first, g.keep(k)...)...)
}

// keep are the runs that keep the control's states, layer by layer.
func (g Grid) keep(k Control) (runs []system.Run) {
	n := g.Cells()
	for l := range k.Layers {
		r := system.Run{Group: g.W, Stage: k.Stage + l}
		for range n {
			g.Condition(&r.Rows, -1)
		}
		r.KVLen, r.Slot = fill(n, 0), fill(n, -1)
		other := r.Rows
		r.Other, r.Keep, r.Features = &other, count(l*n, (l+1)*n), k.Features
		runs = append(runs, r)
	}
	return runs
}

// steer makes rows recall the states of what they predict. Their cache slots follow from what
// they see, since the control's rows have none.
func (g Grid) steer(r *system.Run, k Control) {
	r.Slot = slices.Clone(r.KVLen)
	for i := range r.Slot {
		r.Slot[i]--
	}
	other := r.Rows
	if r.Other != nil {
		other = *r.Other
		other.Slot = r.Slot
	}
	if k.Features != nil {
		for _, at := range r.Targets.At {
			for l := range k.Layers {
				r.Recall = append(r.Recall, int32(l*g.Cells())+at)
			}
		}
	}
	r.Other = &other
}
