package engine

import (
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/system"
)

// beginDraft starts a job's schedule for the draft.
func (e *Engine) beginDraft(j *job) (err error) {
	j.drafts, j.guesses = nil, false
	if e.opts.Draft == nil || j.req.guided() && e.dec.refined == nil || j.hyp != nil {
		return nil
	}
	if e.draft == nil {
		j.guesses = true
		return nil
	}
	begin := j.req.Drafts
	if begin == nil {
		begin = j.req.Schedule
	}
	if err := e.draft.SetConstraintData(j.slot, j.req.ConstraintData); err != nil {
		return err
	}
	j.drafts, err = seeded(j, begin)
	return err
}

// loadDraft writes the draft's rows of a job's run and returns them.
func (e *Engine) loadDraft(j *job, tokens []uint32) (system.Rows, error) {
	if j.drafts == nil || e.dec.refined != nil {
		return system.Rows{}, nil
	}
	run, err := j.drafts.Next(tokens)
	if errors.Is(err, io.EOF) || err == nil && (run.N != j.run.N || run.Targets.N != j.run.Targets.N || run.Group != j.run.Group) {
		return system.Rows{}, fmt.Errorf("engine: %w: the draft's schedule is another", ErrRequest)
	}
	if err == nil {
		err = e.draft.LoadRows(j.slot, 0, j.number, j.req.Sinks, &run.Rows)
	}
	if err == nil {
		err = e.draft.LoadTargets(j.slot, 0, &run.Targets, max(run.GroupTargets, 1), 1)
	}
	return run.Rows, err
}

// drafted reports whether the tokens of a job's run can be drafted. Beyond the context
// they cannot. A rejected token would already have replaced another's keys.
func (e *Engine) drafted(j *job) bool {
	return e.dec.refined == nil && (j.drafts != nil || j.guesses && j.run.Guess != nil) && j.run.Group == 1 && j.run.GroupTargets == 1 && j.everyRow() && j.run.Slot == nil && j.number+j.run.N <= e.sys.Layout.Context
}

// draftOf returns the step in which the draft proposes tokens for the jobs of a step,
// all but the last draw of a whole check. Its rows come as far as the step's.
func (e *Engine) draftOf(jobs []*job, s Step) Step {
	sequences := make([]step.Sequence, len(jobs))
	times := 0
	for i, j := range jobs {
		ahead := min(e.opts.Draft.Ahead, j.run.N-j.row)
		sequences[i] = step.Sequence{Slot: j.slot, Canvas: j.slot, Row: j.row, Rows: j.row + ahead, Group: 1, Target: j.draw, Targets: j.draw + e.guessed(j), GroupTargets: 1, Unconditional: -1}
		times = max(times, ahead)
	}
	return Step{Stage: s.Stage, Sequences: sequences, Times: times, EveryRow: true, Proposes: e.opts.Draft.Relax != nil}
}

// guessed returns the number of tokens that are drafted for a job's next check.
func (e *Engine) guessed(j *job) int { return min(e.opts.Draft.Ahead-1, j.run.N-j.row) }

// guessOf returns the step in which the engine's own network guesses tokens for the jobs of
// a step. Its rows and targets stand behind those of the runs in their tables.
func (e *Engine) guessOf(jobs []*job, s Step) (Step, error) {
	out := Step{Stage: s.Stage, Times: 1, EveryRow: true, Proposes: e.opts.Draft.Relax != nil}
	for _, j := range jobs {
		n, at := e.guessed(j), j.run.N
		rows, t := j.run.Guess(j.row, n), &j.run.Targets
		targets := system.Targets{N: n, At: t.At[j.draw : j.draw+n]}
		if t.TokenRange != nil {
			targets.TokenRange = t.TokenRange[2*j.draw : 2*(j.draw+n)]
		}
		if rows.N != n {
			return out, fmt.Errorf("engine: %w: %d rows that guess %d tokens", ErrRequest, rows.N, n)
		}
		if err := e.dec.LoadRows(j.slot, at, j.number+j.row, j.req.Sinks, &rows); err != nil {
			return out, err
		}
		if err := e.dec.LoadTargets(j.slot, at, &targets, 1, 1); err != nil {
			return out, err
		}
		group := e.opts.Draft.Ahead - 1
		out.Sequences = append(out.Sequences, step.Sequence{Slot: j.slot, Canvas: j.slot, Row: at, Rows: at + n, Group: group, Target: at, Targets: at + n, GroupTargets: group, Unconditional: -1})
	}
	return out, nil
}

// promptOf returns the step in which the draft reads the prompts of a step, and false
// if there are none.
func (e *Engine) promptOf(jobs []*job, s Step) (Step, bool) {
	var sequences []step.Sequence
	for _, j := range jobs {
		if j.drafts != nil && j.run.GroupTargets == 0 {
			sequences = j.sequences(sequences, j.group(e.sys.Layout.Context))
		}
	}
	return Step{Stage: s.Stage, Sequences: sequences, Times: 1}, len(sequences) > 0
}

// step runs a step, with the draft's step before it in the same submit.
func (e *Engine) step(jobs []*job, s Step) error {
	if e.dec.refined != nil {
		return e.decoderOf(jobs[0]).Run(s)
	}
	if e.drafted(jobs[0]) {
		if e.draft == nil {
			first, err := e.guessOf(jobs, s)
			if err != nil {
				return err
			}
			return e.dec.runAfter(e.dec, first, s)
		}
		return e.dec.runAfter(e.draft, e.draftOf(jobs, s), s)
	}
	if first, ok := e.promptOf(jobs, s); ok {
		return e.dec.runAfter(e.draft, first, s)
	}
	return e.dec.Run(s)
}
