package train

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Sequence is one sample laid out for the network: the rows of the request that draws its
// tokens, and all of its draws.
type Sequence struct {
	Part
	Before []Part         // the rows of passes before the last
	Draws  system.Targets // From is [m, h] rows of the sequence; -1: none
	Tokens []uint32       // [positions, words]
	Fed    []uint32       // those that rows are fed, where they are others, see Drift; nil: Tokens
	First  int            // position that is drawn; those before are a condition
	Prompt system.Prompt
	// Sinks rows at the start stay visible for ever and come with every window.
	Sinks int
}

// Part is the rows of a pass.
type Part struct {
	system.Rows
	// Other has as many rows, for training without the condition; nil: the same rows.
	Other *system.Rows
}

// Flatten lays a sample out. Its rows are those that the schedule yields when the tokens are
// given. Where lessons depend on chance it is the lesson of no luck in particular, see
// [Sequence.Lesson]. The error is the schedule's, or wraps system.ErrPrompt if it does not
// draw the tokens.
func Flatten(s *system.System, prompt system.Prompt, tokens []uint32) (*Sequence, error) {
	q := &Sequence{Tokens: tokens, Prompt: prompt}
	if s.Practice != nil {
		return q.Lesson(s, words(0, 0))
	}
	runs, err := s.Schedule(prompt)
	if err != nil {
		return nil, err
	}
	q, err = Join(s, runs, tokens)
	if err == nil {
		q.Prompt = prompt
	}
	return q, err
}

// Lesson lays the sample out for a lesson by some random numbers. Errors are those of [Flatten].
func (q *Sequence) Lesson(s *system.System, word func(uint32) uint32) (*Sequence, error) {
	if s.Practice == nil {
		return q, nil
	}
	runs, err := s.Practice(q.Prompt, word)
	if err != nil {
		return nil, err
	}
	out := &Sequence{Tokens: q.Tokens, Prompt: q.Prompt, First: len(q.Tokens) / s.Token.Words()}
	for {
		r, err := runs.Next(q.Tokens)
		switch {
		case errors.Is(err, io.EOF) && out.Draws.N == 0:
			return nil, fmt.Errorf("train: %w: a lesson without draws", system.ErrPrompt)
		case errors.Is(err, io.EOF):
			return out, nil
		case err == nil:
			err = out.add(s, &r)
		}
		for _, at := range r.Targets.At {
			out.First = min(out.First, int(at))
		}
		if err != nil {
			return nil, err
		}
	}
}

// words are random numbers of two seeds.
func words(a, b uint64) func(i uint32) uint32 {
	return func(i uint32) uint32 { return uint32(rand.NewPCG(a^uint64(i)<<32, b+uint64(i)).Uint64() >> 32) }
}

// Join joins the runs of a schedule for known tokens. Errors are those of [Flatten].
func Join(s *system.System, runs system.Schedule, tokens []uint32) (*Sequence, error) {
	words := s.Token.Words()
	positions, known := len(tokens)/words, 0
	q := &Sequence{Tokens: tokens, First: positions, Sinks: s.Layout.Sinks}
	for q.Draws.N == 0 || q.Draws.N < positions-q.First {
		r, err := runs.Next(tokens[:known*words])
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("train.Join: %w: the schedule draws %d of %d tokens", system.ErrPrompt, q.Draws.N, positions)
		}
		if err == nil {
			err = q.add(s, &r)
		}
		if err != nil {
			return nil, err
		}
		if r.GroupTargets == 0 && q.Draws.N == 0 { // rows of given tokens, where positions have rows
			known = min(q.N, positions)
		}
		for _, at := range r.Targets.At {
			q.First, known = min(q.First, int(at)), max(known, int(at)+1)
		}
		if known > positions {
			return nil, fmt.Errorf("train.Join: %w: the schedule draws token %d of %d", system.ErrPrompt, known-1, positions)
		}
	}
	return q, nil
}

// add appends a run, and those before it.
func (q *Sequence) add(s *system.System, r *system.Run) error {
	for i := range r.Before {
		if err := q.add(s, &r.Before[i]); err != nil {
			return err
		}
	}
	part, err := q.part(s, r)
	if err != nil {
		return err
	}
	if part == &q.Part {
		q.addDraws(r, max(s.Layout.Directions, 1))
	}
	part.add(r, s.Layout.Features)
	return nil
}

// part returns the pass that has a run's rows.
func (q *Sequence) part(s *system.System, r *system.Run) (*Part, error) {
	if s.Passes == nil {
		if r.Slot != nil || r.Keep != nil || r.Recall != nil || r.Ranges != nil {
			return nil, fmt.Errorf("train.Join: %w: rows share slots, see ranges of them or keep states, and nothing says in which passes they train", nn.ErrConfig)
		}
		return &q.Part, nil
	}
	last := len(s.Passes) - 1
	if q.Before == nil {
		q.Before = make([]Part, last)
	}
	i := slices.IndexFunc(s.Passes, func(p system.Pass) bool { return slices.Contains(p.Runs, r.Stage) })
	part := &q.Part
	if i >= 0 && i < last {
		part = &q.Before[i]
	}
	if i < 0 || part.N+r.N > s.Passes[i].Rows || part != &q.Part && r.GroupTargets > 0 {
		return nil, fmt.Errorf("train.Join: %w: a run of %d rows in stage %d, which draws %d tokens, has no room in the passes", nn.ErrConfig, r.N, r.Stage, r.GroupTargets)
	}
	return part, nil
}

// conditioned reports whether the sample has rows without its condition.
func (q *Sequence) conditioned() bool {
	return q.Other != nil || slices.ContainsFunc(q.Before, func(p Part) bool { return p.Other != nil })
}

// add appends the rows of a run.
func (p *Part) add(r *system.Run, features int) {
	if other := r.Other; other != nil || p.Other != nil {
		if other == nil {
			other = &r.Rows
		}
		if p.Other == nil {
			so := clone(p.Rows)
			p.Other = &so
		}
		appendRows(p.Other, other, features)
	}
	appendRows(&p.Rows, &r.Rows, features)
}

// addDraws appends the draws of a run, whose rows come next.
func (q *Sequence) addDraws(r *system.Run, directions int) {
	for i, at := range r.Targets.At {
		first := q.N + i/r.GroupTargets*r.Group
		for d := range directions {
			from := int32(i % r.GroupTargets)
			if r.Targets.From != nil {
				from = r.Targets.From[i*directions+d]
			}
			if from >= 0 {
				from += int32(first)
			}
			q.Draws.From = append(q.Draws.From, from)
		}
		q.Draws.At = append(q.Draws.At, at)
		lo, hi := int32(0), int32(0) // no bound
		if r.Targets.TokenRange != nil {
			lo, hi = r.Targets.TokenRange[2*i], r.Targets.TokenRange[2*i+1]
		}
		q.Draws.TokenRange = append(q.Draws.TokenRange, lo, hi)
	}
	q.Draws.N += r.Targets.N
}

func clone(r system.Rows) (out system.Rows) {
	appendRows(&out, &r, 0)
	return out
}

// appendRows appends rows. Those without features have zeros.
func appendRows(to, r *system.Rows, features int) {
	to.N += r.N
	to.Fixed, to.Inputs = append(to.Fixed, r.Fixed...), append(to.Inputs, r.Inputs...)
	to.Axes, to.KVLen = append(to.Axes, r.Axes...), append(to.KVLen, r.KVLen...)
	to.Keep, to.Recall = append(to.Keep, r.Keep...), append(to.Recall, r.Recall...)
	if r.Features != nil {
		to.Features = append(to.Features, r.Features...)
	} else if features > 0 {
		to.Features = append(to.Features, make([]float32, r.N*features)...)
	}
}

// ignored returns how many of a draw's last sub-tokens do not exist, see sample.Existing.
// They are not trained.
func (q *Sequence) ignored(draw, words int) int {
	exist := int(uint32(q.Draws.TokenRange[2*draw+1]) >> 24)
	if exist == 0 {
		return 0
	}
	return min(words-exist, words-1)
}
