package order

import (
	"io"
	"slices"

	"github.com/morton-gen/morton/models/system"
)

// Pivots predicts a small picture in random sets, and then a large one behind it. Each set takes
// two runs as in [Masked]: one reads the condition and the known tokens, and one has a row for the
// condition and every position of both pictures. The hidden states that the small one's tokens
// were predicted from are kept, and stand in their place when the large one is read.
//
// The stages are 0 and 1 for the small picture, 2 and 3 for the large one. Positions of the large
// picture come first, behind them those of the small one. All tokens of the large picture are
// predicted in every one of its steps, since its head looks at all of them together: those outside
// of the set go to positions that nobody reads, which lie last.
//
// Source: Zheng et al., "Hierarchical Masked Autoregressive Models with Low-Resolution Token
// Pivots", 2025, arXiv:2505.20288.
type Pivots struct {
	Small, Large           int     // positions of the pictures
	SmallSteps, LargeSteps int     // sets
	Order                  []int32 // of all positions: of either picture the last of them are predicted first; nil: random
	Class, OtherClass      []int32 // [c] ids of the condition's rows, and without the condition
	// Ids of what stands beside a known token of either picture and beside a kept state, and of
	// the first place of the first and of the third stage, which has c + small + large.
	SmallKnown, LargeKnown, Kept, Places int32
	// Ids of the first unknown token of the second and of the fourth stage, which has small +
	// large of them, and of the first place there.
	Unknown, Fill            int32
	SmallScale, LargeScale   func(left int) float32 // of the guidance; nil: the request's
	SmallPasses, LargePasses [2]int32               // of the refiner, [lo, hi)
}

// States is the number of places of kept states.
func (p Pivots) States() int { return len(p.Class) + 2*p.Small + p.Large }

// Positions is the number of positions, with those that nobody reads.
func (p Pivots) Positions() int { return p.Small + p.Large*(1+p.LargeSteps) }

// Schedule returns the runs. They are made set by set. Errors wrap system.ErrPrompt.
func (p Pivots) Schedule() (system.Schedule, error) {
	s := &pivots{Pivots: p}
	s.small = pivotSets{n: p.Small, steps: p.SmallSteps, left: p.Small}
	s.large = pivotSets{n: p.Large, steps: p.LargeSteps, left: p.Large}
	if p.Order != nil {
		if err := checkOrder(p.Order, p.Small+p.Large); err != nil {
			return nil, err
		}
	}
	for _, at := range p.Order {
		if at < int32(p.Large) {
			s.large.order = append(s.large.order, at)
		} else {
			s.small.order = append(s.small.order, at-int32(p.Large))
		}
	}
	return s, nil
}

// pivotSets divides positions into sets.
type pivotSets struct {
	n, steps, step, left int
	order                []int32
}

// next returns what is known and the next set, both sorted.
func (s *pivotSets) next() (known, set []int32) {
	if s.order == nil { // nobody seeded it, as where steps are counted
		s.order = count(0, s.n)
	}
	left := s.left
	for left == s.left { // more steps than positions
		left = Left(s.n, s.step, s.steps, s.left)
		s.step++
	}
	known, set = s.order[s.left:], s.order[left:s.left]
	s.left = left
	return slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(set))
}

type pivots struct {
	Pivots
	small, large pivotSets
	drawn        int // sets of the large picture
	then         *system.Run
}

// Seed implements system.Seeded.
func (s *pivots) Seed(word func(i uint32) uint32) {
	if s.Order == nil {
		s.small.order = Shuffle(s.Small, word)
		s.large.order = Shuffle(s.Large, func(i uint32) uint32 { return word(uint32(s.Small) + i) })
	}
}

// IgnoresTokens reports that Next ignores the tokens.
func (s *pivots) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (s *pivots) Next([]uint32) (system.Run, error) {
	if s.then != nil {
		r := *s.then
		s.then = nil
		return r, nil
	}
	sets, stage := &s.small, 0
	if s.small.left == 0 {
		sets, stage = &s.large, 2
	}
	if sets.left == 0 {
		return system.Run{}, io.EOF
	}
	known, set := sets.next()
	if stage == 0 {
		return s.runs(s.rowsOf(known, 0), 0, s.drawSmall(set)), nil
	}
	rows := append(s.rowsOf(count(0, s.Small), 0), s.rowsOf(known, s.Small)...)
	return s.runs(rows, 2, s.drawLarge(set)), nil
}

// rowsOf are the rows of the second run behind those of the condition.
func (s *pivots) rowsOf(positions []int32, from int) (rows []int) {
	for _, p := range positions {
		rows = append(rows, len(s.Class)+from+int(p))
	}
	return rows
}

// draws are what a set's second run predicts and keeps.
type draws struct {
	targets system.Targets
	keep    []int32 // by row; nil: nothing
}

func (s *pivots) drawSmall(set []int32) (d draws) {
	d.keep = fill(len(s.Class)+s.Small+s.Large, -1)
	for _, p := range set {
		row := int32(len(s.Class)) + p
		d.add(int32(s.Large)+p, row, s.SmallPasses, s.SmallScale, s.small.left)
		d.keep[row] = s.state(int(p))
	}
	return d
}

func (s *pivots) drawLarge(set []int32) (d draws) {
	s.drawn++
	for p := range int32(s.Large) {
		at := int32(s.Small+s.Large*s.drawn) + p
		if _, in := slices.BinarySearch(set, p); in {
			at = p
		}
		d.add(at, int32(len(s.Class)+s.Small)+p, s.LargePasses, s.LargeScale, s.large.left)
	}
	return d
}

func (d *draws) add(at, from int32, passes [2]int32, scale func(left int) float32, left int) {
	t := &d.targets
	t.N++
	t.At, t.From, t.Passes = append(t.At, at), append(t.From, from), append(t.Passes, passes[0], passes[1])
	if scale != nil {
		t.Scale = append(t.Scale, scale(left))
	}
}

// state is the place of the hidden state that a small token was predicted from.
func (s *pivots) state(small int) int32 { return int32(len(s.Class) + s.Small + s.Large + small) }

// runs returns the run that reads known rows, and keeps the one behind it.
func (s *pivots) runs(known []int, stage int, d draws) system.Run {
	c := len(s.Class)
	all := c + s.Small + s.Large
	place := s.Places + int32(stage/2*all)
	r := system.Run{Group: c + len(known), Stage: stage}
	r.N = r.Group
	r.Slot, r.KVLen, r.Axes, r.Keep, r.Recall = count(0, r.N), fill(r.N, int32(r.N)), fill(r.N, -1), count(0, c), fill(r.N, -1)
	for i, id := range s.Class {
		r.Fixed, r.Inputs = append(r.Fixed, id, place+int32(i)), append(r.Inputs, system.Nothing)
	}
	for i, row := range known {
		id, fed := s.LargeKnown, int32(row-c-s.Small)
		switch {
		case row < c+s.Small && stage == 0:
			id, fed = s.SmallKnown, int32(s.Large+row-c)
		case row < c+s.Small:
			id, fed, r.Recall[c+i] = s.Kept, system.Nothing, s.state(row-c)
		}
		r.Fixed, r.Inputs, r.Keep = append(r.Fixed, id, place+int32(row)), append(r.Inputs, fed), append(r.Keep, int32(row))
	}
	other := r.Rows
	other.Fixed = slices.Clone(r.Fixed)
	for i, id := range s.OtherClass {
		other.Fixed[2*i] = id
	}
	r.Other = &other
	s.then = s.fill(known, stage+1, d)
	return r
}

// fill is the run that has a row for everything.
func (s *pivots) fill(known []int, stage int, d draws) *system.Run {
	c := len(s.Class)
	all := c + s.Small + s.Large
	r := &system.Run{Group: all, GroupTargets: d.targets.N, Stage: stage, Targets: d.targets}
	r.N = all
	r.Slot, r.KVLen, r.Inputs, r.Keep = count(0, all), fill(all, int32(all)), fill(all, system.Nothing), d.keep
	r.Axes, r.Recall = append(fill(c, -1), count(0, all-c)...), append(count(0, c), fill(all-c, -1)...)
	for _, row := range known {
		r.Recall[row] = int32(row)
	}
	for row := range all {
		id := int32(-1)
		if r.Recall[row] < 0 {
			id = s.Unknown + int32(stage/2*(all-c)+row-c)
		}
		r.Fixed = append(r.Fixed, id, s.Fill+int32(stage/2*all+row))
	}
	return r
}
