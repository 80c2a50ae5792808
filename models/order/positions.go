package order

import "github.com/morton-gen/morton/models/system"

// Positions are rows that each predict the position of their own number.
type Positions struct {
	system.Rows
	ranges []int32 // [n, 2] lo <= t < hi
}

// Add appends a position: the columns of its row, the number of slots that it sees, and
// its tokens, lo <= t < hi.
func (p *Positions) Add(fixed, fed, axes []int32, sees, lo, hi int32) {
	p.N++
	p.Fixed, p.Inputs, p.Axes = append(p.Fixed, fixed...), append(p.Inputs, fed...), append(p.Axes, axes...)
	p.KVLen, p.ranges = append(p.KVLen, sees), append(p.ranges, lo, hi)
}

// Runs returns the positions as runs in groups. The first of them is position base of
// the request. The first given positions have tokens, and are a prompt.
func (p *Positions) Runs(base, given, group int) (runs []system.Run) {
	if given > 0 {
		runs = append(runs, system.Run{Rows: slice(p.Rows, 0, given), Group: group})
	}
	if given < p.N {
		runs = append(runs, system.Run{
			Rows: slice(p.Rows, given, p.N), Group: group, GroupTargets: group,
			Targets: system.Targets{N: p.N - given, At: count(base+given, base+p.N), TokenRange: p.ranges[2*given:]},
		})
	}
	return runs
}
