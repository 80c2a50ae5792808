package train

import (
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Sequence is one sample laid out for the network: the rows of the request that draws its
// tokens, and all of its draws.
type Sequence struct {
	system.Rows
	// Other has as many rows, for training without the condition; nil: the same rows.
	Other  *system.Rows
	Draws  system.Draws // From is [m, h] rows of the sequence; -1: none
	Tokens []uint32     // [positions, words]
	First  int          // position that is drawn; those before are a condition
	// Pinned rows at the start stay visible for ever and come with every window.
	Pinned int
}

// Lay lays a sample out. Its rows are those that the schedule yields when the tokens are
// given. The error is the schedule's, or wraps system.ErrPrompt if it does not draw the
// tokens.
func Lay(s *system.System, prompt system.Prompt, tokens []uint32) (*Sequence, error) {
	runs, err := s.Schedule(prompt)
	if err != nil {
		return nil, err
	}
	return Join(s, runs, tokens)
}

// Join joins the runs of a schedule for known tokens. Errors are those of [Lay].
func Join(s *system.System, runs system.Schedule, tokens []uint32) (*Sequence, error) {
	words := s.Token.Words()
	positions, known := len(tokens)/words, 0
	q := &Sequence{Tokens: tokens, First: positions, Pinned: s.Layout.Pinned}
	for q.Draws.N == 0 || q.Draws.N < positions-q.First {
		r, err := runs.Next(tokens[:known*words])
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("train.Join: %w: the schedule draws %d of %d tokens", system.ErrPrompt, q.Draws.N, positions)
		}
		if err == nil {
			err = q.add(s.Layout, &r)
		}
		if err != nil {
			return nil, err
		}
		if r.Ask == 0 && q.Draws.N == 0 { // rows of given tokens, where positions have rows
			known = min(q.N, positions)
		}
		for _, at := range r.Draws.At {
			q.First, known = min(q.First, int(at)), max(known, int(at)+1)
		}
		if known > positions {
			return nil, fmt.Errorf("train.Join: %w: the schedule draws token %d of %d", system.ErrPrompt, known-1, positions)
		}
	}
	return q, nil
}

// add appends a run.
func (q *Sequence) add(l system.Layout, r *system.Run) error {
	if r.Slot != nil || r.Keep != nil || r.Recall != nil || r.Ranges != nil {
		return fmt.Errorf("train.Join: %w: no system whose rows share slots or keep states trains", nn.ErrConfig)
	}
	q.addDraws(r, max(l.Directions, 1))
	if other := r.Other; other != nil || q.Other != nil {
		if other == nil {
			other = &r.Rows
		}
		if q.Other == nil {
			so := clone(q.Rows)
			q.Other = &so
		}
		appendRows(q.Other, other, l.Features)
	}
	appendRows(&q.Rows, &r.Rows, l.Features)
	return nil
}

// addDraws appends the draws of a run, whose rows come next.
func (q *Sequence) addDraws(r *system.Run, directions int) {
	for i, at := range r.Draws.At {
		first := q.N + i/r.Ask*r.Group
		for d := range directions {
			from := int32(i % r.Ask)
			if r.Draws.From != nil {
				from = r.Draws.From[i*directions+d]
			}
			if from >= 0 {
				from += int32(first)
			}
			q.Draws.From = append(q.Draws.From, from)
		}
		q.Draws.At = append(q.Draws.At, at)
		lo, hi := int32(0), int32(0) // no bound
		if r.Draws.Allow != nil {
			lo, hi = r.Draws.Allow[2*i], r.Draws.Allow[2*i+1]
		}
		q.Draws.Allow = append(q.Draws.Allow, lo, hi)
	}
	q.Draws.N += r.Draws.N
}

func clone(r system.Rows) (out system.Rows) {
	appendRows(&out, &r, 0)
	return out
}

// appendRows appends rows. Those without features have zeros.
func appendRows(to, r *system.Rows, features int) {
	to.N += r.N
	to.Fixed, to.Fed = append(to.Fixed, r.Fixed...), append(to.Fed, r.Fed...)
	to.Axes, to.Sees = append(to.Axes, r.Axes...), append(to.Sees, r.Sees...)
	if r.Features != nil {
		to.Features = append(to.Features, r.Features...)
	} else if features > 0 {
		to.Features = append(to.Features, make([]float32, r.N*features)...)
	}
}

// ignored returns how many of a draw's last sub-tokens do not exist, see sample.Existing.
// They are not trained.
func (q *Sequence) ignored(draw, words int) int {
	exist := int(uint32(q.Draws.Allow[2*draw+1]) >> 24)
	if exist == 0 {
		return 0
	}
	return min(words-exist, words-1)
}
