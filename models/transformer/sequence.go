package transformer

import (
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// Sequence is one sample laid out for the network, a row a position: row p predicts
// the token of position p.
type Sequence struct {
	system.Rows
	Allow  []int32  // [n, 2] tokens lo <= t < hi that a position may hold
	Tokens []uint32 // [n, words]
	// Draw is the first position that is predicted; those before are a condition.
	Draw int
	// Pinned positions at the start stay visible for ever and come with every
	// training window.
	Pinned int
}

// Lay lays a sample out: the rows of the schedule that draws its tokens. The error is that
// of the sample or of the schedule.
func Lay(s *system.System, prompt system.Prompt, tokens []uint32) (*Sequence, error) {
	runs, err := s.Schedule(prompt)
	if err != nil {
		return nil, err
	}
	out := &Sequence{Tokens: tokens, Pinned: s.Layout.Pinned}
	for words := s.Token.Words(); out.N < len(tokens)/words; {
		r, err := runs.Next(tokens[:out.N*words])
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("transformer.Lay: %w: %d rows for %d positions", system.ErrPrompt, out.N, len(tokens)/words)
		}
		if err != nil {
			return nil, err
		}
		out.add(&r)
	}
	return out, nil
}

// add appends the rows of a run.
func (s *Sequence) add(r *system.Run) {
	if r.Ask == 0 {
		s.Draw = s.N + r.N
		s.Allow = append(s.Allow, make([]int32, 2*r.N)...)
	}
	s.N += r.N
	s.Fixed, s.Fed, s.Axes = append(s.Fixed, r.Fixed...), append(s.Fed, r.Fed...), append(s.Axes, r.Axes...)
	s.Sees, s.Allow = append(s.Sees, r.Sees...), append(s.Allow, r.Draws.Allow...)
}

// Ignored returns how many of position p's last sub-tokens do not exist, see
// sample.Existing. They are not trained.
func (s *Sequence) Ignored(p, words int) int {
	exist := int(uint32(s.Allow[2*p+1]) >> 24)
	if exist == 0 {
		return 0
	}
	return min(words-exist, words-1)
}

// Add appends a position. It takes the columns of its row, the number of slots it sees,
// and its tokens, lo <= t < hi.
func (s *Sequence) Add(fixed, fed, axes []int32, sees, lo, hi int32) {
	s.N++
	s.Fixed, s.Fed, s.Axes = append(s.Fixed, fixed...), append(s.Fed, fed...), append(s.Axes, axes...)
	s.Sees, s.Allow = append(s.Sees, sees), append(s.Allow, lo, hi)
}

// Run returns positions [from, to) as a run in groups; asked, their tokens are drawn.
// The sequence begins at position base of the request.
func (s *Sequence) Run(l system.Layout, base, from, to, group int, asked bool) system.Run {
	part := func(x []int32, cols int) []int32 { return x[from*cols : to*cols] }
	r := system.Run{Group: group}
	r.Rows = system.Rows{
		N: to - from, Fixed: part(s.Fixed, l.Fixed), Fed: part(s.Fed, l.Fed), Axes: part(s.Axes, l.Axes), Sees: part(s.Sees, 1),
	}
	if !asked {
		return r
	}
	r.Ask = group
	r.Draws = system.Draws{N: to - from, Allow: part(s.Allow, 2)}
	for p := from; p < to; p++ {
		r.Draws.At = append(r.Draws.At, int32(base+p))
	}
	return r
}

// Schedule returns the runs of a sequence whose first given positions have tokens.
func (s *Sequence) Schedule(l system.Layout, given int) system.Schedule {
	var runs []system.Run
	if given > 0 {
		runs = append(runs, s.Run(l, 0, 0, given, l.Group, false))
	}
	if given < s.N {
		runs = append(runs, s.Run(l, 0, given, s.N, l.Group, true))
	}
	return order.Fixed(runs...)
}
