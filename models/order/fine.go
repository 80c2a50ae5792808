package order

import "github.com/morton-gen/morton/models/system"

// CoarseToFine predicts coarse tokens of the cells of a grid in raster order, and then the
// fine tokens of all cells at once. Coarse tokens have so many values. In the second part,
// stage 1, the rows of the condition and of all cells see each other, and a cell's row is fed
// its coarse token. The positions of fine tokens come first, behind them those of coarse ones.
//
// Source: Guo, Zhang and Shieh, "Improving Autoregressive Image Generation through
// Coarse-to-Fine Token Prediction", 2025, arXiv:2503.16194.
func (g Grid) CoarseToFine(c Conditions, values int, guide GuidanceScale) system.Schedule {
	n := g.Cells()
	runs := g.raster(c, guide)
	for i := range runs {
		r := &runs[i]
		for j, from := range r.Inputs {
			if from >= 0 {
				r.Inputs[j] += int32(n)
			}
		}
		for j := range r.Targets.At {
			r.Targets.At[j] += int32(n)
			r.Targets.TokenRange = append(r.Targets.TokenRange, 0, int32(values))
		}
	}
	fine := system.Run{Rows: g.all(c.Rows), GroupTargets: n, Stage: 1}
	other := g.all(c.Other)
	fine.Other, fine.Group = &other, fine.N
	fine.Targets = system.Targets{N: n, At: count(0, n), From: count(c.Rows.N, c.Rows.N+n), Scale: guide.add(nil, n-1, n)}
	return Fixed(append(runs, fine)...)
}

// all are the rows of a condition and of all cells, which see each other.
func (g Grid) all(condition system.Rows) system.Rows {
	r := slice(condition, 0, condition.N)
	for cell := range g.Cells() {
		g.Token(&r, cell, 0)
		r.Inputs[r.N-1] += int32(g.Cells())
	}
	r.Slot, r.KVLen = count(0, r.N), fill(r.N, int32(r.N))
	return r
}
