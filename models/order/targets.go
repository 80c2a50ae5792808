package order

import (
	"fmt"
	"io"

	"github.com/morton-gen/morton/models/system"
)

// Targets predicts positions in random order, set by set, behind one row of condition.
// Each set takes two runs. The first reads the tokens of the set before, at first the
// condition, and adds them to the cache. The second, in stage 1, has a row for each
// position of the set, which says only where it is: it sees the cache, and leaves nothing
// there. So rows of a set do not see each other, and any position can come next. Rows have
// one id and two axes, row and column.
//
// Source: Li et al., "Autoregressive Image Generation with Randomized Parallel Decoding",
// 2025, arXiv:2503.10568.
type Targets struct {
	H, W, Steps  int
	Order        []int32                 // of the positions, the first of them predicted first; nil: random
	Class, Other int32                   // ids of the condition, and of none
	Mask         int32                   // id of a row that is predicted from
	Unknown      Share                   // how many positions are left by step; nil: Cosine
	Scale        func(known int) float32 // of the guidance, when so many are known behind the set; nil: the request's
}

// Schedule returns the runs. They are made one by one, as they are asked for. Errors wrap
// system.ErrPrompt.
func (s Targets) Schedule() (system.Schedule, error) {
	if s.Steps < 1 {
		return nil, fmt.Errorf("order: %w: %d steps", system.ErrPrompt, s.Steps)
	}
	if s.Order != nil {
		if err := checkOrder(s.Order, s.H*s.W); err != nil {
			return nil, err
		}
	}
	if s.Unknown == nil {
		s.Unknown = Cosine
	}
	return &targets{Targets: s}, nil
}

type targets struct {
	Targets
	step, known int         // next step, and positions that it knows
	then        *system.Run // the second run of the step
	last        []int32     // the set that was predicted last
}

// Seed implements system.Seeded.
func (s *targets) Seed(word func(i uint32) uint32) {
	if s.Order == nil {
		s.Order = Shuffle(s.H*s.W, word)
	}
}

// IgnoresTokens reports that Next ignores the tokens.
func (s *targets) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (s *targets) Next([]uint32) (system.Run, error) {
	if s.then != nil {
		r := *s.then
		s.then = nil
		return r, nil
	}
	n := s.H * s.W
	if s.known == n {
		return system.Run{}, io.EOF
	}
	if s.Order == nil { // nobody seeded it, as where steps are counted
		s.Order = count(0, n)
	}
	left := n - s.known
	for left == n-s.known { // more steps than positions
		left = s.Unknown.left(n, s.step, s.Steps, n-s.known)
		s.step++
	}
	set := s.Order[s.known : n-left]
	r, then := s.read(), s.predict(set)
	s.then, s.last, s.known = &then, set, n-left
	return r, nil
}

// read is the run that reads the last set, or the condition.
func (s *targets) read() (r system.Run) {
	if s.known == 0 {
		r = system.Run{Rows: s.row(s.Class), Group: 1}
		other := s.row(s.Other)
		r.Other = &other
		return r
	}
	g, sees := Grid{T: 1, H: s.H, W: s.W}, 1+s.known
	for _, p := range s.last {
		g.Token(&r.Rows, int(p), sees)
	}
	r.Group, r.Slot = r.N, count(sees-r.N, sees)
	return r
}

// row is the row of a condition.
func (s *targets) row(id int32) (r system.Rows) {
	Grid{T: 1, H: s.H, W: s.W}.Condition(&r, id)
	r.Slot = []int32{0}
	return r
}

// predict is the run that predicts a set.
func (s *targets) predict(set []int32) system.Run {
	n := len(set)
	r := system.Run{Group: n, GroupTargets: n, Stage: 1, Targets: system.Targets{N: n, At: set}}
	r.N, r.Fixed, r.Inputs, r.KVLen, r.Slot = n, fill(n, s.Mask), fill(n, system.Nothing), fill(n, int32(1+s.known)), fill(n, -1)
	for _, p := range set {
		r.Axes = append(r.Axes, p/int32(s.W), p%int32(s.W))
		if s.Scale != nil {
			r.Targets.Scale = append(r.Targets.Scale, s.Scale(s.known+n))
		}
	}
	return r
}
