package order

import "github.com/morton-gen/morton/models/system"

// Shells predicts all cells of equal frame+row+column at once. Each comes from its
// neighbours: to the left by direction 0 of the head, above by 1, a frame earlier by 2.
// The last row of the condition predicts cell 0 by every direction. A row sees the
// cells of its own shell and of earlier ones.
//
// Source: He et al., "Neighboring Autoregressive Modeling for Efficient Visual
// Generation", 2025, arXiv:2503.10696.
func (g Grid) Shells(c Conditions, directions int, guide GuidanceScale) system.Schedule {
	runs := c.runs(guide)
	first := &runs[len(runs)-1]
	first.Targets.From = make([]int32, directions)
	before := []int32{0} // the cells of the last shell
	seen, drawn := c.Rows.N, 1
	for s := 1; s < g.T+g.H+g.W-2; s++ {
		cells := g.shell(s)
		r := system.Run{Group: len(before), GroupTargets: len(cells), Targets: system.Targets{N: len(cells), At: cells}}
		seen += len(before)
		row := map[int32]int32{}
		for i, cell := range before {
			g.Token(&r.Rows, int(cell), seen)
			row[cell] = int32(i)
		}
		for _, cell := range cells {
			r.Targets.From = append(r.Targets.From, g.neighbours(cell, row)[:directions]...)
		}
		r.Targets.Scale = guide.add(nil, drawn, len(cells))
		runs = append(runs, r)
		before, drawn = cells, drawn+len(cells)
	}
	return Fixed(runs...)
}

// shell lists the cells whose coordinates add up to s, frames first, then rows.
func (g Grid) shell(s int) (cells []int32) {
	for p := range g.Cells() {
		if p/(g.H*g.W)+p/g.W%g.H+p%g.W == s {
			cells = append(cells, int32(p))
		}
	}
	return cells
}

// neighbours returns the rows of the cells to the left, above, and a frame earlier; -1
// for none.
func (g Grid) neighbours(cell int32, row map[int32]int32) []int32 {
	out := []int32{-1, -1, -1}
	for d, x := range [3]struct{ coordinate, stride int }{{int(cell) % g.W, 1}, {int(cell) / g.W % g.H, g.W}, {int(cell) / (g.H * g.W), g.H * g.W}} {
		if x.coordinate > 0 {
			out[d] = row[cell-int32(x.stride)]
		}
	}
	return out
}
