package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"time"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/system"
)

// job is a request on its way.
type job struct {
	ctx                    context.Context
	req                    Request
	result                 chan outcome
	ask                    chan *scoring // of a search, to whoever called Generate
	queued, started, first time.Time

	schedule system.Schedule
	drafts   system.Schedule // nil without a draft of another system
	proposal proposal        // of the draft, for tokens of real numbers
	guesses  bool            // the engine's own network drafts
	slot     int             // of the first branch of guidance
	others   []int           // of the others, nil without guidance

	// run is the run at hand. Its rows and targets are the first entries of the slots'
	// tables.
	run       system.Run
	row, draw int // of the run, next
	number    int // of the run's first row in the request
	positions int // one past the highest position that has a token
	drawn     int
	ended     bool
	spent     int // steps that drew
	prefix    prefix
	hyp       *hypothesis // nil outside a search
	left      bool        // it has no slots any longer
}

// number hashes a request's id. Its randomness comes from the hash.
func number(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// words returns the random words of a request's schedule. Their counter is apart from those
// of targets, which have small last words.
func words(seed, request uint64) func(uint32) uint32 {
	key, counter := sample.Stream(seed, request)
	return func(i uint32) uint32 {
		return sample.Philox([4]uint32{i / 4, 0, counter, 1 << 20}, key)[i%4]
	}
}

// all yields the slots that the job has, by branch.
func (j *job) all() []int { return append([]int{j.slot}, j.others...) }

// slots returns the number of slots that a job has, one a branch.
func (j *job) slots() int { return 1 + len(j.others) }

// branches returns the number of branches, and so of slots, that a request takes.
func (e *Engine) branches(r *Request) int {
	if r.guided() {
		return max(e.sys.Layout.Branches, 2)
	}
	return 1
}

// begin gives a job its slots and its first run.
func (e *Engine) begin(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	j.started = time.Now()
	r := &j.req
	j.positions, j.drawn, j.number, j.row, j.run = len(r.Tokens)/e.sys.Token.Words(), 0, 0, 0, system.Run{}
	j.ended, j.left, j.spent, j.prefix, j.proposal = false, false, 0, prefix{open: true, kept: true}, proposal{}
	err := e.dec.SetSampling(j.slot, step.Sampling{
		Seed: r.Seed, Request: j.stream(), Temperature: r.Temperature, TopK: r.TopK, TopP: r.TopP, MinP: r.MinP, End: r.End,
	})
	if err == nil {
		err = e.dec.SetTokens(j.slot, 0, e.canvas(r.Tokens))
	}
	if err == nil {
		err = e.dec.SetConstraintData(j.slot, r.ConstraintData)
	}
	if err == nil {
		j.schedule, err = j.start()
	}
	if err == nil && r.Noise != nil {
		err = e.dec.SetNoise(j.slot, r.Noise)
	}
	if err == nil {
		err = e.beginDraft(j)
	}
	if err != nil {
		return err
	}
	more, err := e.next(j)
	if err == nil && !more {
		err = fmt.Errorf("engine.Generate: %w: the schedule is empty", ErrRequest)
	}
	return err
}

// canvas is a whole canvas that begins with some tokens. Its other positions are 0: whoever
// reads positions before all of them are drawn must not see an earlier request's tokens.
func (e *Engine) canvas(tokens []uint32) []uint32 {
	return append(slices.Clip(tokens), make([]uint32, e.sys.Layout.Length*e.sys.Token.Words()-len(tokens))...)
}

// next loads a job's next run. It reports whether there is one.
func (e *Engine) next(j *job) (bool, error) {
	if j.proposes() {
		e.proposed(j)
		return true, e.load(j)
	}
	tokens, err := e.tokens(j)
	if err != nil {
		return false, err
	}
	gaps, err := e.gaps(j)
	if err != nil {
		return false, err
	}
	if j.hyp != nil {
		j.hyp.history = append(j.hyp.history, seen{tokens, gaps})
	}
	run, err := look(j.schedule, tokens, gaps)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := checkRun(&run); err != nil {
		return false, err
	}
	if err := (system.Extent{Tokens: j.req.Most}).CheckTokens(j.drawn + run.Targets.N); j.req.Most > 0 && err != nil {
		return false, fmt.Errorf("engine.Generate: %w", err)
	}
	if run.Pattern != system.Full && e.sys.Layout.Sparse == nil {
		return false, fmt.Errorf("engine: %w: a pattern of a system without", ErrRequest)
	}
	j.number += j.run.N
	j.run, j.row, j.draw = run, 0, 0
	if err := e.propose(j); err != nil {
		return false, err
	}
	if err := e.load(j); err != nil {
		return false, err
	}
	drafts, err := e.loadDraft(j, tokens)
	if err == nil {
		e.extendPrefix(j, drafts)
	}
	return true, err
}

// tokens reads the tokens of a job's positions, if its schedule may look at them.
func (e *Engine) tokens(j *job) ([]uint32, error) {
	if s, ok := j.schedule.(interface{ IgnoresTokens() bool }); ok && s.IgnoresTokens() {
		return nil, nil
	}
	return e.dec.Tokens(j.slot, 0, j.positions)
}

// gaps reads how sure the network was, if a job's schedule asks and it has drawn.
func (e *Engine) gaps(j *job) ([]float32, error) {
	if _, ok := j.schedule.(system.Confident); !ok || j.run.N == 0 {
		return nil, nil
	}
	return e.dec.Gaps(j.slot)
}

// look returns a schedule's next run.
func look(s system.Schedule, tokens []uint32, gaps []float32) (system.Run, error) {
	if c, ok := s.(system.Confident); ok && gaps != nil {
		c.Sure(gaps)
	}
	return s.Next(tokens)
}

func checkRun(r *system.Run) error {
	if r.N < 1 || r.Group < 1 || r.N%r.Group != 0 || r.GroupTargets < 0 || r.Targets.N != r.Steps()*r.GroupTargets || r.Other != nil && r.Other.N != r.N ||
		slices.ContainsFunc(r.Further, func(x *system.Rows) bool { return x != nil && x.N != r.N }) {
		return fmt.Errorf("engine: %w: a run of %d rows in groups of %d, %d draws of %d asked", ErrRequest, r.N, r.Group, r.Targets.N, r.GroupTargets)
	}
	stages := []int{r.Stage}
	for i := range r.Before {
		b := &r.Before[i]
		if err := checkRun(b); err != nil {
			return err
		}
		if b.N != b.Group || b.GroupTargets > 0 || b.Slot == nil || b.Before != nil || r.N != r.Group || r.Slot == nil || slices.Contains(stages, b.Stage) {
			return fmt.Errorf("engine: %w: a run of stage %d before one of stage %d, of %d and %d rows in steps of %d and %d", ErrRequest, b.Stage, r.Stage, b.N, r.N, b.Group, r.Group)
		}
		stages = append(stages, b.Stage)
	}
	return nil
}

// load writes a run's rows and targets. The rows of runs before it stand behind its own.
func (e *Engine) load(j *job) error {
	r, d := &j.run, e.decoderOf(j)
	for i, slot := range j.all() {
		if err := d.LoadRows(slot, 0, j.number, j.req.Sinks, r.Branch(i)); err != nil {
			return err
		}
		at := r.N
		for k := range r.Before {
			b := &r.Before[k]
			if err := d.LoadRows(slot, at, j.number, j.req.Sinks, b.Branch(i)); err != nil {
				return err
			}
			at += b.N
		}
	}
	return d.LoadTargets(j.slot, 0, &r.Targets, max(r.GroupTargets, 1), max(j.req.Guidance, 1))
}

// prompt reports whether the job's run is only read. One that keeps hidden states is part
// of a step.
func (j *job) prompt() bool { return j.run.GroupTargets == 0 && j.run.Keep == nil }

// passes returns the most passes that refine the job's draws in its next steps.
func (j *job) passes(times, all int) int {
	p := j.run.Targets.Passes
	if p == nil {
		return all
	}
	most := 0
	for i := j.draw; i < min(j.draw+times*j.run.GroupTargets, j.run.Targets.N); i++ {
		most = max(most, int(p[2*i+1]-p[2*i]))
	}
	return most
}

// group returns the number of rows that the job takes in a step. A prompt is read in
// pieces whose ends depend on it alone. Beyond the context it goes group by group. Rows
// read together would overwrite keys that the first of them must see.
func (j *job) group(context int) int {
	g := j.run.Group
	if !j.prompt() {
		return g
	}
	at, piece := j.number+j.row, max(promptRows/g, 1)*g
	if at+piece > context && j.run.N-j.row > context-at {
		return max((context-at)/g, 1) * g
	}
	return piece
}

// everyRow reports whether every row of the job's steps has a target of its own.
func (j *job) everyRow() bool {
	return j.others == nil && j.run.GroupTargets == j.run.Group && j.run.Targets.From == nil
}

// steps returns the number of the job's steps that are left in its run.
func (j *job) steps(group int) int { return (j.run.N - j.row + group - 1) / group }

// sequences appends the job's sequence, and those of its other branches.
func (j *job) sequences(sequences []step.Sequence, group int) []step.Sequence {
	own := step.Sequence{
		Slot: j.slot, Canvas: j.slot, Row: j.row, Rows: j.run.N, Group: group, Target: j.draw, Targets: j.run.Targets.N, GroupTargets: j.run.GroupTargets, Unconditional: -1,
	}
	if j.others != nil {
		own.Unconditional, own.Branches = len(sequences)+1, j.slots()
	}
	sequences = append(sequences, own)
	for _, slot := range j.others {
		sequences = append(sequences, step.Sequence{Slot: slot, Canvas: j.slot, Row: j.row, Rows: j.run.N, Group: group, Unconditional: -1})
	}
	return sequences
}

// before appends the job's sequence in run i before its own, and those of its other branches.
func (j *job) before(sequences []step.Sequence, i int) []step.Sequence {
	at := j.run.N
	for k := range i {
		at += j.run.Before[k].N
	}
	n := j.run.Before[i].N
	for _, slot := range j.all() {
		sequences = append(sequences, step.Sequence{Slot: slot, Canvas: j.slot, Row: at, Rows: at + n, Group: n, Unconditional: -1})
	}
	return sequences
}

// advance updates the job from its sequence after a step.
func (j *job) advance(l step.Sequence) {
	if j.proposes() {
		j.row, j.draw = l.Row, l.Target
		return
	}
	if l.Target > j.draw && j.first.IsZero() {
		j.first = time.Now()
	}
	for _, at := range j.run.Targets.At[j.draw:l.Target] {
		j.positions = max(j.positions, int(at)+1)
	}
	j.drawn += l.Target - j.draw
	if n := j.run.GroupTargets; n > 0 {
		steps := (l.Target - j.draw + n - 1) / n
		j.spent += steps
		if j.hyp != nil {
			j.hyp.steps += steps
		}
	}
	j.ended = l.Targets < j.run.Targets.N
	j.row, j.draw = l.Row, l.Target
	if j.ended {
		j.row = j.run.N
	}
}

// endedWith reports whether the last token was drawn and ends the sample.
func (j *job) endedWith(tokens []uint32, words int) bool {
	last := (j.positions - 1) * words
	return j.ended || j.req.End >= 0 && j.drawn > 0 && last >= 0 && int64(tokens[last]) == j.req.End
}
