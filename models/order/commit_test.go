package order

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// followed is what a confident schedule has predicted last at every position, as numbers of
// runs, and how many runs it took. All gaps are of a size.
func followed(t *testing.T, s system.Schedule, positions int, gap float32) (last []int, runs int) {
	t.Helper()
	if seeded, ok := s.(system.Seeded); ok {
		seeded.Seed(func(i uint32) uint32 { return i * 0x9E3779B9 })
	}
	last = make([]int, positions)
	for {
		r, err := s.Next(nil)
		if errors.Is(err, io.EOF) {
			return last, runs
		}
		if err != nil {
			t.Fatal(err)
		}
		runs++
		for _, at := range r.Targets.At {
			last[at] = runs
		}
		s.(system.Confident).Sure(slices.Repeat([]float32{gap}, positions))
	}
}

// TestCommits counts runs: where the network is never sure, where it always is, and where it
// is sure enough for the second third of the tokens. Every position has a token in the end.
func TestCommits(t *testing.T) {
	g := square(8)
	shuffled := func(c *Commit) (system.Schedule, error) {
		return Shuffled{Grid: g, Conditions: class(g), Target: 1000, Commit: c}.Schedule()
	}
	line := func(c *Commit) (system.Schedule, error) { return Blocks{N: 63, Size: 16, Commit: c}.Schedule() }
	for name, o := range map[string]struct {
		s                 func(*Commit) (system.Schedule, error)
		n                 int
		never, mid, early int
	}{
		// Behind the condition guesses take turns with four tokens, of 63.
		"any order": {shuffled, 64, 1 + 2*16, 1 + 2*6 + 1, 1 + 1},
		// A token a step: blocks of 15, 16, 16 and 16.
		"blocks": {line, 63, 63, 5 + 3*6, 4},
	} {
		for _, c := range []struct {
			commit Commit
			runs   int
		}{{Commit{9, 9, 9}, o.never}, {Commit{9, 5, 0}, o.mid}, {Commit{5, 5, 5}, o.early}} {
			s, err := o.s(&c.commit)
			if err != nil {
				t.Fatal(err)
			}
			last, runs := followed(t, s, o.n, 5)
			if runs != c.runs || slices.Contains(last, 0) {
				t.Errorf("%s, thresholds %v: %d runs, want %d; last predicted in %v", name, c.commit, runs, c.runs, last)
			}
		}
		for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
			if _, err := o.s(&Commit{1, bad, 1}); !errors.Is(err, system.ErrPrompt) {
				t.Errorf("%s, a threshold of %g: %v", name, bad, err)
			}
		}
	}
}
