package order

import "github.com/morton-gen/morton/models/system"

// Windows predicts windows of side·side cells one by one, in raster order, all cells of a
// window at once. The last row of the condition predicts the first window. The row of each
// window is fed its cells' tokens, and predicts the next. Rotary positions are those of
// windows. Rows of the condition have stage 0 and the others stage 1.
//
// Source: Ma et al., "Token-Shuffle: Towards High-Resolution Image Generation with
// Autoregressive Models", 2025, arXiv:2504.17789.
func (g Grid) Windows(c Conditions, side int, guide GuidanceScale) system.Schedule {
	each := side * side
	places := Grid{T: 1, H: g.H / side, W: g.W / side}
	cells := g.byWindow(side)
	first, last := c.runs(guide), system.Run{Group: 1, GroupTargets: each, Stage: 1}
	for i := range first {
		feed(&first[i].Rows, each)
		feed(first[i].Other, each)
	}
	w := &first[len(first)-1]
	w.GroupTargets, w.Targets = each, system.Targets{N: each, At: cells[:each], From: fill(each, 0), Scale: guide.add(nil, 0, each)}
	for at := each; at < len(cells); at += each {
		window := at/each - 1
		r := &last.Rows
		r.N++
		r.Fixed, r.Inputs = append(r.Fixed, -1), append(r.Inputs, cells[at-each:at]...)
		r.Axes, r.KVLen = append(r.Axes, places.axes(window)...), append(r.KVLen, int32(c.Rows.N+window+1))
		last.Targets.Scale = guide.add(last.Targets.Scale, at, each)
	}
	if last.N == 0 {
		return Fixed(first...)
	}
	last.Targets.N, last.Targets.At, last.Targets.From = len(cells)-each, cells[each:], fill(len(cells)-each, 0)
	return Fixed(append(first, last)...)
}

// feed gives rows that are fed nothing so many inputs.
func feed(r *system.Rows, inputs int) { r.Inputs = fill(r.N*inputs, system.Nothing) }

// byWindow lists the cells by window, both in raster order.
func (g Grid) byWindow(side int) (cells []int32) {
	across := g.W / side
	for w := range g.H / side * across {
		for i := range side * side {
			cells = append(cells, int32((w/across*side+i/side)*g.W+w%across*side+i%side))
		}
	}
	return cells
}
