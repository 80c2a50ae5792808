package engine

import (
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/models/system"
)

// proposal is what a job's draft does before the job's own run, for tokens of real numbers.
type proposal struct {
	runs []system.Run // of the draft, next first
	own  *system.Run  // behind them; nil: the run at hand is the job's own
}

// proposes reports whether the run at hand is the draft's.
func (j *job) proposes() bool { return j.proposal.own != nil }

// checks reports whether the run at hand checks proposals of real numbers.
func (j *job) checks() bool { return j.run.Drafted && j.drafts != nil && !j.proposes() }

// decoderOf returns the decoder that runs the job's run.
func (e *Engine) decoderOf(j *job) *Decoder {
	if j.proposes() {
		return e.draft
	}
	return e.dec
}

// propose puts the draft's runs before a job's run, if they predict its targets.
func (e *Engine) propose(j *job) error {
	if !j.checks() {
		return nil
	}
	runs, err := proposalsOf(&j.run, j.drafts)
	if err != nil {
		return err
	}
	own := j.run
	j.proposal = proposal{runs, &own}
	e.proposed(j)
	return nil
}

// proposed makes the next run of a proposal the job's, or behind the last its own.
func (e *Engine) proposed(j *job) {
	p := &j.proposal
	if len(p.runs) == 0 {
		j.run, p.own = *p.own, nil
	} else {
		j.run, p.runs = p.runs[0], p.runs[1:]
	}
	j.row, j.draw = 0, 0
}

// proposalsOf takes the runs that predict the targets of a check from the draft's schedule.
// Runs before them are of targets that are not drafted.
func proposalsOf(check *system.Run, drafts system.Schedule) (runs []system.Run, err error) {
	bad := func(why string) error {
		return fmt.Errorf("engine: %w: the draft's schedule is another: %s", ErrRequest, why)
	}
	passes := map[int32]int32{} // of targets that are still to come
	for i, at := range check.Targets.At {
		passes[at] = length(&check.Targets, i)
	}
	var some []system.Run
	for len(passes) > 0 {
		run, err := drafts.Next(nil)
		if errors.Is(err, io.EOF) {
			return nil, bad("it ends early")
		}
		if err == nil {
			err = checkRun(&run)
		}
		if err != nil {
			return nil, err
		}
		some = append(some, run)
		taken := 0
		for i, at := range run.Targets.At {
			n, ok := passes[at]
			if ok && n != length(&run.Targets, i) {
				return nil, bad("a token takes other passes")
			}
			if ok {
				taken++
			}
			delete(passes, at)
		}
		switch {
		case taken < run.Targets.N && taken > 0:
			return nil, bad("a set of both drafted tokens and others")
		case taken > 0:
			runs, some = append(runs, some...), nil
		case run.Targets.N > 0:
			some = nil
		}
	}
	return runs, nil
}

// length is the number of passes of a target, 0 if it takes all.
func length(t *system.Targets, i int) int32 {
	if t.Passes == nil {
		return 0
	}
	return t.Passes[2*i+1] - t.Passes[2*i]
}

// kept counts the targets of a job's check that are as proposed.
func (e *Engine) kept(j *job) (n int, err error) {
	all, err := e.dec.relaxed.draft.Kept.View(j.slot*e.dec.state.Length, e.sys.Layout.Length).I32()
	for _, at := range j.run.Targets.At {
		if err == nil {
			n += int(all[at])
		}
	}
	return n, err
}

// relaxNumbers allocates the proposals of tokens of real numbers.
func (d *Decoder) relaxNumbers(draft *Decoder, o Options) error {
	if err := d.dev.CheckMemory(refine.DraftBytes(o.Slots*d.state.Length, d.sys.Token.Width)); err != nil {
		return fmt.Errorf("engine.New: proposals of a draft: %w", err)
	}
	heat := float32(1)
	if r := o.Draft.Relax; r != nil {
		if !(r.Temperature >= 1) || len(r.Near) > 0 {
			return fmt.Errorf("engine.New: %w: a check of real numbers at temperature %g, at least 1, with %d near tokens", ErrRequest, r.Temperature, len(r.Near))
		}
		heat = float32(r.Temperature)
	}
	x, err := refine.NewDraft(d.dev, o.Slots, d.state.Length, d.sys.Token.Width)
	x.Temperature = heat
	d.relaxed = &relaxation{draft: &x}
	draft.relaxed = d.relaxed
	return err
}

// draftOf returns the draft of the passes of a step, nil of one that neither proposes nor
// checks.
func (k passKey) draftOf(r *relaxation) *refine.Draft {
	if !k.proposes && !k.checks {
		return nil
	}
	x := *r.draft
	x.Checks = k.checks
	return &x
}

// draftsNumbers returns why a draft can't serve a system whose tokens are real numbers.
func draftsNumbers(sys *system.System, d *Draft) error {
	switch {
	case !sys.Drafts:
		return fmt.Errorf("engine.New: %w: %s takes no drafts", ErrRequest, sys.Name)
	case d.System == nil:
		return fmt.Errorf("engine.New: %w: tokens of %s are real numbers, which another model drafts", ErrRequest, sys.Name)
	case d.System.Token != sys.Token:
		return fmt.Errorf("engine.New: %w: a draft of %+v, tokens of %s are %+v", ErrRequest, d.System.Token, sys.Name, sys.Token)
	}
	for _, h := range []system.Head{sys.Head, d.System.Head} {
		if _, ok := h.(system.ProposingRefiner); !ok {
			return fmt.Errorf("engine.New: %w: a head whose passes propose nothing", ErrRequest)
		}
	}
	return nil
}
