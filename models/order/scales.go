package order

import "github.com/morton-gen/morton/models/system"

// Scales describes square grids of growing sides. Each grid is predicted at once, Repeat
// times; the cache keeps only the last time. A scale sees those before it and itself, and
// runs in a stage of its own. Positions count through all scales. The axes of a row are
// its scale, row and column.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905;
// repetitions, Liu et al., "InfinityStar", 2025, arXiv:2511.04675.
type Scales struct {
	Sides  []int
	Repeat int // 0 means once
	// Fed is the number of tokens that a row is fed. The rows of a scale together are fed
	// all tokens before it, in order; see nn.Accumulator.
	Fed int
	// Fixed and Other return the fixed ids of a cell of a scale, in both branches of
	// guidance; nil: none.
	Fixed, Other func(scale, cell int) []int32
	// Guide returns the scale of guidance of a scale of the grid; nil means the request's.
	Guide func(scale int) float32
}

// Schedule returns the runs, one a scale and repetition.
func (s Scales) Schedule() system.Schedule {
	var runs []system.Run
	at := 0
	for k, side := range s.Sides {
		n := side * side
		for again := range max(s.Repeat, 1) {
			r := system.Run{Group: n, Ask: n, Draws: system.Draws{N: n, At: count(at, at+n)}, Stage: k}
			r.Rows = s.rows(k, at, s.Fixed)
			if s.Other != nil {
				other := s.rows(k, at, s.Other)
				r.Other = &other
			}
			if s.Guide != nil {
				for range n {
					r.Draws.Scale = append(r.Draws.Scale, s.Guide(k))
				}
			}
			if again < max(s.Repeat, 1)-1 {
				r.Sees, r.Slot = fill(n, int32(at)), fill(n, -1)
			}
			runs = append(runs, r)
		}
		at += n
	}
	return Fixed(runs...)
}

// rows returns the rows of scale k, which begins at position at.
func (s Scales) rows(k, at int, fixed func(scale, cell int) []int32) system.Rows {
	side, fed := s.Sides[k], max(s.Fed, 1)
	n := side * side
	r := system.Rows{N: n, Slot: count(at, at+n), Sees: fill(n, int32(at+n)), Fed: fill(n*fed, system.Nothing)}
	if s.Fed > 0 {
		copy(r.Fed, count(0, at))
	}
	for i := range n {
		r.Axes = append(r.Axes, int32(k), int32(i/side), int32(i%side))
		if fixed != nil {
			r.Fixed = append(r.Fixed, fixed(k, i)...)
		}
	}
	return r
}

func fill(n int, x int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = x
	}
	return out
}
