package order

import (
	"fmt"
	"io"
	"math"

	"github.com/morton-gen/morton/models/system"
)

// Commit says when all tokens that are left are predicted at once: when the network is so
// sure of them that the two largest logits of a token are a threshold apart, in the mean.
// The thresholds are of the first, second and last third of the tokens.
//
// Source: Li et al., "Diffusion Language Models Know the Answer Before Decoding", 2025,
// arXiv:2508.19982 (Prophet), whose thresholds are 7.5, 5 and 2.5.
type Commit [3]float64

// Check returns what is wrong with thresholds, or nil; a nil Commit never commits.
func (c *Commit) Check() error {
	if c == nil {
		return nil
	}
	for _, x := range c {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("order: %w: thresholds %v", system.ErrPrompt, *c)
		}
	}
	return nil
}

// now reports whether the positions that are left of n are committed, by their gaps.
func (c *Commit) now(gaps []float32, left []int32, n int) bool {
	sum := 0.0
	for _, p := range left {
		sum += float64(gaps[p])
	}
	return sum >= c[min(3*(n-len(left))/n, 2)]*float64(len(left))
}

// committing is a random order in which tokens come one by one for a while, and then the
// network guesses all that are left, as often as it is not sure.
type committing struct {
	*shuffled
	commit *Commit
	first  system.Schedule // of the condition, nil before
	row    int             // next
	gaps   []float32       // of a guess, nil without
	guess  bool            // the next run is one
}

// Sure implements system.Confident.
func (s *committing) Sure(gaps []float32) { s.gaps = gaps }

// Next implements system.Schedule.
func (s *committing) Next([]uint32) (system.Run, error) {
	n := s.Cells()
	if s.first == nil {
		if s.Order == nil {
			s.Order = count(0, n)
		}
		s.first = Fixed(s.condition()...)
	}
	if r, err := s.first.Next(nil); err == nil {
		return r, nil
	}
	if s.row == n-1 {
		return system.Run{}, io.EOF
	}
	if s.guess = !s.guess; s.guess {
		return s.rest(), nil
	}
	if s.commit.now(s.gaps, s.Order[s.row+1:], n) {
		return system.Run{}, io.EOF
	}
	r := s.tokens(s.row, min(s.row+max(n/guessesOfOrder, 1), n-1))
	r.Slot = count(s.Conditions.Rows.N+s.row, s.Conditions.Rows.N+s.row+r.N) // guesses are no rows of the order
	s.row += r.N
	return r, nil
}

// guessesOfOrder is about how often a picture's rest is guessed.
const guessesOfOrder = 16

// rest is the run that guesses all tokens that are left.
func (s *committing) rest() system.Run {
	n := s.Cells() - 1 - s.row
	r := system.Run{Rows: s.shuffled.guess(s.row, n), Group: n, GroupTargets: n, Targets: system.Targets{N: n, At: s.Order[s.row+1:]}}
	for range n {
		r.Targets.Scale = s.Guide.add(r.Targets.Scale, s.row+1, 1)
	}
	return r
}
