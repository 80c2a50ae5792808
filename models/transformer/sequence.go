package transformer

import (
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// Sequence is one sample laid out for the network, a row a position: row p predicts
// the token of position p.
type Sequence struct {
	system.Rows
	Allow  []int32  // [n, 2] tokens lo <= t < hi that a position may hold
	Tokens []uint32 // [n, words]; positions still to be drawn may be missing
	// Draw is the first position that is predicted; those before are a condition.
	Draw int
	// Pinned positions at the start stay visible for ever and come with every
	// training window.
	Pinned int
	// Short lists positions whose last sub-tokens do not exist, with how many:
	// they are not trained.
	Short func(p int) int
}

// Ignored returns how many of position p's last sub-tokens are not predicted.
func (s *Sequence) Ignored(p, words int) int {
	if s.Short == nil {
		return 0
	}
	return min(s.Short(p), words-1)
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
// Those are a prompt; the others are drawn in the network's groups. More, if not nil,
// returns further positions from all tokens so far, and nil after the last.
func (c *Config) Schedule(s *Sequence, given int, more func(tokens []uint32) (*Sequence, error)) system.Schedule {
	var runs []system.Run
	if given > 0 {
		runs = append(runs, s.Run(c.Layout(), 0, 0, given, c.Group, false))
	}
	if given < s.N {
		runs = append(runs, s.Run(c.Layout(), 0, given, s.N, c.Group, true))
	}
	if more == nil {
		return order.Fixed(runs...)
	}
	at := s.N
	return order.Grow(func(tokens []uint32) ([]system.Run, error) {
		next, err := more(tokens)
		if err != nil || next == nil || next.N == 0 {
			return nil, err
		}
		run := next.Run(c.Layout(), at, 0, next.N, c.Group, true)
		at += next.N
		return []system.Run{run}, nil
	}, runs...)
}

// Add appends a position. It takes the columns of its row, the number of slots it sees,
// and its tokens, lo <= t < hi.
func (s *Sequence) Add(fixed, fed, axes []int32, sees, lo, hi int32) {
	s.N++
	s.Fixed, s.Fed, s.Axes = append(s.Fixed, fixed...), append(s.Fed, fed...), append(s.Axes, axes...)
	s.Sees, s.Allow = append(s.Sees, sees), append(s.Allow, lo, hi)
}
