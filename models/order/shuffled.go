package order

import (
	"github.com/morton-gen/morton/models/system"
)

// Shuffled predicts the cells of a grid one by one in any order. A row is fed its cell's
// token, and is told which cell comes next: the target. So one network knows every order. The
// last row of the condition predicts the first cell. A row sees the rows before it, and
// itself. Its ids are its own and its target's. Several rows that are fed one token and have
// several targets guess as many tokens at once.
//
// Source: Pannatier, Courdier and Fleuret, "σ-GPTs: A New Approach to Autoregressive Models",
// 2024, arXiv:2404.09562.
type Shuffled struct {
	Grid
	Conditions Conditions // whose rows have one id, their own
	Order      []int32    // of the cells; nil: random
	Target     int32      // id of the first cell as a target
	Guide      GuidanceScale
	Commit     *Commit // when all cells that are left come at once; nil: never
}

// Schedule returns the runs. The error wraps system.ErrPrompt.
func (s Shuffled) Schedule() (system.Schedule, error) {
	if s.Order != nil {
		if err := checkOrder(s.Order, s.Cells()); err != nil {
			return nil, err
		}
	}
	if err := s.Commit.Check(); err != nil {
		return nil, err
	}
	if s.Commit != nil {
		return &committing{shuffled: &shuffled{Shuffled: s}, commit: s.Commit}, nil
	}
	return &shuffled{Shuffled: s}, nil
}

type shuffled struct {
	Shuffled
	runs system.Schedule // once the order is known
}

// Seed implements system.Seeded.
func (s *shuffled) Seed(word func(i uint32) uint32) {
	if s.Order == nil {
		s.Order = Shuffle(s.Cells(), word)
	}
}

// IgnoresTokens reports that Next ignores the tokens.
func (s *shuffled) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (s *shuffled) Next([]uint32) (system.Run, error) {
	if s.runs == nil {
		if s.Order == nil { // nobody seeded it, as where steps are counted
			s.Order = count(0, s.Cells())
		}
		s.runs = s.all()
	}
	return s.runs.Next(nil)
}

// all returns the runs of the order.
func (s *shuffled) all() system.Schedule {
	runs, n := s.condition(), s.Cells()
	if n == 1 {
		return Fixed(runs...)
	}
	r := s.tokens(0, n-1)
	r.Guess = s.guess
	return Fixed(append(runs, r)...)
}

// condition returns the runs that read the condition. The last predicts the first cell.
func (s *shuffled) condition() []system.Run {
	c := s.Conditions
	c.Rows, c.Other = s.aimed(c.Rows), s.aimed(c.Other)
	runs := c.runs(s.Guide)
	runs[len(runs)-1].Targets.At = []int32{s.Order[0]}
	return runs
}

// tokens returns the run of rows from to below to, each of which predicts the next cell.
func (s *shuffled) tokens(from, to int) system.Run {
	r := system.Run{Group: 1, GroupTargets: 1, Targets: system.Targets{N: to - from, At: s.Order[from+1 : to+1]}}
	for i := from; i < to; i++ {
		cell := s.Order[i]
		r.N++
		r.Fixed, r.Inputs, r.Axes = append(r.Fixed, -1, s.Target+s.Order[i+1]), append(r.Inputs, cell), append(r.Axes, s.axes(int(cell))...)
		r.KVLen = append(r.KVLen, int32(s.Conditions.Rows.N+i+1))
		r.Targets.Scale = s.Guide.add(r.Targets.Scale, i+1, 1)
	}
	return r
}

// GuessRanges is the number of ranges of cache slots that a row of a guess sees: those of
// the rows before it, and its own.
const GuessRanges = 2

// guess returns rows that are fed the token of row first, and whose targets are its own and
// those of the rows behind it. They do not see each other.
func (s *shuffled) guess(first, n int) (r system.Rows) {
	cell, known := s.Order[first], int32(s.Conditions.Rows.N+first)
	for i := range n {
		own := known + int32(i)
		r.N++
		r.Fixed, r.Inputs, r.Axes = append(r.Fixed, -1, s.Target+s.Order[first+i+1]), append(r.Inputs, cell), append(r.Axes, s.axes(int(cell))...)
		r.Slot, r.KVLen, r.Ranges = append(r.Slot, own), append(r.KVLen, own+1), append(r.Ranges, 0, known, own, own+1)
	}
	return r
}

// aimed adds targets to the rows of a condition: the last one has the first cell's.
func (s *shuffled) aimed(r system.Rows) system.Rows {
	own := r.Fixed
	r.Fixed = nil
	for i, id := range own {
		target := int32(-1)
		if i == r.N-1 {
			target = s.Target + s.Order[0]
		}
		r.Fixed = append(r.Fixed, id, target)
	}
	return r
}
