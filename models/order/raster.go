package order

import "github.com/morton-gen/morton/models/system"

// Raster predicts the cells of a grid one by one. The last row of the condition
// predicts the first cell. The row of each token predicts the next.
//
// Source: Sun et al., "Autoregressive Model Beats Diffusion: Llama for Scalable Image
// Generation", 2024, arXiv:2406.06525.
func (g Grid) Raster(c Conditions, guide GuidanceScale) system.Schedule {
	return Fixed(g.raster(c, guide)...)
}

func (g Grid) raster(c Conditions, guide GuidanceScale) []system.Run {
	n := g.Cells()
	if n == 1 { // the condition predicts it
		return c.runs(guide)
	}
	r := system.Run{Group: 1, GroupTargets: 1, Targets: system.Targets{N: n - 1, At: count(1, n)}}
	for cell := range n - 1 {
		g.Token(&r.Rows, cell, c.Rows.N+cell+1)
		r.Targets.Scale = guide.add(r.Targets.Scale, cell+1, 1)
	}
	return append(c.runs(guide), r)
}

// runs reads a condition. All rows but the last are a prompt. The last draws position
// 0.
func (c Conditions) runs(guide GuidanceScale) (runs []system.Run) {
	n := c.Rows.N
	if n > 1 {
		other := slice(c.Other, 0, n-1)
		runs = append(runs, system.Run{Rows: slice(c.Rows, 0, n-1), Other: &other, Group: 1, Stage: c.Stage})
	}
	other := slice(c.Other, n-1, n)
	return append(runs, system.Run{
		Rows: slice(c.Rows, n-1, n), Other: &other, Group: 1, GroupTargets: 1, Stage: c.Stage,
		Targets: system.Targets{N: 1, At: []int32{0}, Scale: guide.add(nil, 0, 1)},
	})
}

// slice returns rows [from, to).
func slice(r system.Rows, from, to int) system.Rows {
	part := func(x []int32) []int32 {
		if x == nil {
			return nil
		}
		k := len(x) / r.N
		return x[from*k : to*k : to*k]
	}
	out := system.Rows{N: to - from, Fixed: part(r.Fixed), Inputs: part(r.Inputs), Axes: part(r.Axes), KVLen: part(r.KVLen), Slot: part(r.Slot)}
	if r.Features != nil {
		k := len(r.Features) / r.N
		out.Features = r.Features[from*k : to*k]
	}
	return out
}

// count returns the positions from lo to hi-1.
func count(lo, hi int) []int32 {
	out := make([]int32, 0, hi-lo)
	for p := lo; p < hi; p++ {
		out = append(out, int32(p))
	}
	return out
}
