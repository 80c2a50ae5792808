package engine

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Step is the work that a decoder runs in one submit.
type Step struct {
	Stage     int
	Sequences []step.Sequence
	Times     int // steps, with the same rows and targets a sequence; a sequence at its limit waits
	// EveryRow says that every row has a target of its own. Such a step need not pick rows.
	EveryRow bool
	// Passes is the number of passes that refine the targets of a step; 0 means all that
	// the head has.
	Passes int
	// Proposes keeps the logits for a relaxed check, and Relaxed is one, see [Relax].
	Proposes, Relaxed bool
	Gaps              bool           // says how sure the network is, see [system.Confident]
	Pattern           system.Pattern // of attention, of every sequence
	Before            []Step         // in front of it in the same submit, of other stages; their sequences ask for nothing
}

// programKey tells recorded programs apart. Numbers are rounded up to keep programs
// few. Surplus rows and targets are inactive.
type programKey struct {
	stage, sequences, rows, targets, run int
	branches                             int // of guidance
	everyRow                             bool
	proposes, relaxed, gaps              bool
	pattern                              system.Pattern
}

// program is a recorded step.
type program struct {
	*gpu.Program
	end     *gpu.Program // commits what passes have refined; nil without
	batch   *step.Batch
	windows []windows
	traced  map[string]*gpu.Tensor
}

func (p *program) free() {
	if p.Program != nil {
		p.Program.Free()
	}
	if p.end != nil {
		p.end.Free()
	}
	p.batch.Free()
	for _, w := range p.windows {
		w.Windows.Spans.Free()
	}
	for _, t := range p.traced {
		t.Free()
	}
}

// write lays out a step's sequences on the device.
func (p *program) write(sequences []step.Sequence) error {
	if err := p.batch.Write(sequences); err != nil {
		return err
	}
	for _, w := range p.windows {
		if err := w.write(sequences); err != nil {
			return err
		}
	}
	return nil
}

// keyOf returns the key of the program for a step.
func (d *Decoder) keyOf(s *Step) programKey {
	k := programKey{stage: s.Stage, branches: 1, sequences: powerOfTwo(len(s.Sequences)), everyRow: s.EveryRow, run: runOf(s.Sequences), proposes: s.Proposes, relaxed: s.Relaxed, gaps: s.Gaps, pattern: s.Pattern}
	rows, draws, even := 0, 0, true
	for _, l := range s.Sequences {
		rows, draws = rows+l.Group, draws+l.GroupTargets
		even = even && l.Group == s.Sequences[0].Group && l.GroupTargets == s.Sequences[0].GroupTargets
		if l.Unconditional >= 0 {
			k.branches = max(k.branches, l.Branches, 2)
		}
	}
	switch {
	case rows > fewRows: // what is padded costs as much as what is not
		k.rows, k.targets = roundUp(rows), roundUp(draws)
	case even:
		k.rows, k.targets = k.sequences*s.Sequences[0].Group, k.sequences*s.Sequences[0].GroupTargets
	default:
		k.rows, k.targets = powerOfTwo(rows), powerOfTwo(draws)
	}
	k.everyRow = k.everyRow && k.branches == 1 && k.rows == k.targets
	return k
}

// fewRows is the most rows of a step that are rounded to powers of two. A tile of the
// product kernel has 32 rows, so a finer rule would save nothing below.
const fewRows = 64

// sharedRows is the number of rows that attention takes together, where they belong to one
// sequence.
const sharedRows = 4

// runOf returns the run of rows that attention is told to expect, see
// [attention.CachedArgs]. Of sequences whose groups differ, rows share loads where two in
// three tiles have rows of one sequence only: such a tile takes 0.61 of the time of its rows
// one by one, and another 1.8 times as much (heads of 64 on lavapipe, 128 slots).
func runOf(sequences []step.Sequence) int {
	first := sequences[0].Group
	if !slices.ContainsFunc(sequences, func(l step.Sequence) bool { return l.Group != first }) {
		return min(first, sharedRows)
	}
	at, mixed, last := 0, 0, -1
	for _, l := range sequences {
		if at%sharedRows != 0 && at/sharedRows != last {
			last = at / sharedRows
			mixed++
		}
		at += l.Group
	}
	if tiles := (at + sharedRows - 1) / sharedRows; tiles > 3*mixed {
		return sharedRows
	}
	return 1
}

// roundUp rounds up to an eighth of the next power of two. Up to 8 nothing is rounded.
func roundUp(n int) int {
	unit := max(powerOfTwo(n)/8, 1)
	return (n + unit - 1) / unit * unit
}

// powerOfTwo rounds up to a power of two; 0 stays 0.
func powerOfTwo(n int) int {
	if n == 0 {
		return 0
	}
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// Run runs steps and moves the sequences' cursors. A sequence whose limit shrank has drawn its
// end token.
func (d *Decoder) Run(s Step) error {
	var programs []gpu.Repeat
	for _, b := range s.Before {
		r, err := d.prepare(b)
		if err != nil {
			return err
		}
		programs = append(programs, r.programs...)
	}
	r, err := d.prepare(s)
	if err != nil {
		return err
	}
	return r.finish(d.dev.Run(append(programs, r.programs...)...))
}

// prepared is a step whose batch is on the device, with the programs to run.
type prepared struct {
	p        *program
	step     Step
	programs []gpu.Repeat
}

// prepare records a step's program, if there is none yet, and writes its batch.
func (d *Decoder) prepare(s Step) (prepared, error) {
	k := d.keyOf(&s)
	p, err := d.program(k)
	if err == nil {
		err = p.write(s.Sequences)
	}
	if err != nil {
		return prepared{}, err
	}
	programs, err := d.programsOf(p, k, s)
	return prepared{p, s, programs}, err
}

// programsOf returns the programs of a step. Where the head refines, passes stand between
// trunk and commit.
func (d *Decoder) programsOf(p *program, k programKey, s Step) ([]gpu.Repeat, error) {
	if p.end == nil {
		return []gpu.Repeat{{Program: p.Program, N: s.Times}}, nil
	}
	pass, err := d.refined.pass(d, d.refined.passKey(k))
	if err != nil {
		return nil, err
	}
	passes := s.Passes
	if passes == 0 {
		passes = d.refined.head.Passes()
	}
	var out []gpu.Repeat
	for range s.Times {
		out = append(out, gpu.Repeat{Program: p.Program, N: 1}, gpu.Repeat{Program: pass, N: passes}, gpu.Repeat{Program: p.end, N: 1})
	}
	return out, nil
}

// finish moves the sequences' cursors after a step that ran.
func (r prepared) finish(err error) error {
	if err != nil {
		return err
	}
	return r.p.batch.Read(r.step.Sequences)
}

// runAfter runs steps of another decoder and then of this one in one submit.
func (d *Decoder) runAfter(other *Decoder, first, s Step) error {
	a, err := other.prepare(first)
	if err != nil {
		return err
	}
	b, err := d.prepare(s)
	if err != nil {
		return err
	}
	return b.finish(d.dev.Run(append(a.programs, b.programs...)...))
}

func (d *Decoder) program(k programKey) (*program, error) {
	if p, ok := d.programs[k]; ok {
		return p, nil
	}
	batch, err := step.NewBatch(d.dev, k.sequences, k.rows, k.targets)
	if err != nil {
		return nil, err
	}
	p := &program{batch: batch}
	if p.windows, err = newWindows(d.dev, d.sys.Layout.Windows, k.rows, k.sequences); err != nil {
		p.free()
		return nil, err
	}
	if d.trace {
		p.traced = map[string]*gpu.Tensor{}
	}
	if err := d.record(p, k); err != nil {
		p.free()
		return nil, err
	}
	d.programs[k] = p
	return p, nil
}

// record records a step: gather rows, run the network, draw, commit tokens.
func (d *Decoder) record(p *program, k programKey) (err error) {
	r := d.dev.NewRecorder()
	r.Share(d.arena)
	g := &nn.Inference{
		Recorder: r, Loaded: d.loaded, Tokens: d.state.Tokens, Caches: d.caches, Bits: d.sys.Token.Bits, Vectors: d.vectors, States: d.states, ConstraintData: d.constraintData, InStage: k.stage, Recorded: d.recorded,
		Rows: step.Gather(r, d.state, p.batch), Run: k.run, EveryRow: k.everyRow,
	}
	for _, w := range p.windows {
		g.Windows = append(g.Windows, w.Windows)
	}
	if k.pattern != system.Full {
		g.Patterns = d.patterns
	}
	if k.pattern == system.Chooses {
		g.Select = &d.sys.Layout.Sparse.Selection
	}
	if d.trace {
		g.Marked = func(name string, x *gpu.Tensor) { p.traced[name] = r.Keep(x) }
	}
	h := d.sys.Trunk.Forward(g, d.sys.Input.Record(g, k.stage))
	logits := d.sys.Head.Logits(g, h)
	if k.targets > 0 && d.refined.refines(k.stage) {
		d.beginPasses(g, k, logits.X)
		if p.Program, err = r.Finish(); err == nil {
			p.end, err = d.end(p, k)
		}
		return err
	}
	var drawn *gpu.Tensor
	if k.targets > 0 {
		drawn = d.draw(g, k, logits.X)
	}
	step.Commit(r, d.state, p.batch, g.Rows, drawn)
	p.Program, err = r.Finish()
	return err
}

// draw samples the tokens of a step from its logits.
func (d *Decoder) draw(g *nn.Inference, k programKey, logits *gpu.Tensor) *gpu.Tensor {
	if j, ok := d.sys.Head.(system.Joiner); ok && !k.everyRow {
		logits = j.Join(g, logits)
	} else if !k.everyRow {
		joined := g.Temp(tensor.F32, k.targets, d.sys.Head.Outputs())
		sample.Combine(g.Recorder, sample.CombineArgs{X: logits, Picks: g.Rows.Picks, Scale: g.Rows.Scale, Out: joined})
		logits = joined
	}
	g.Mark("logits", &nn.Value{X: logits})
	if k.gaps {
		sample.Gap(g.Recorder, sample.GapArgs{Logits: logits, Canvas: g.Rows.Canvas, Draw: g.Rows.Target, Out: d.gaps})
	}
	if k.relaxed {
		return d.relaxed.accept(g, logits, d.state.Tokens)
	}
	if k.proposes {
		sample.Propose(g.Recorder, sample.ProposeArgs{Logits: logits, Canvas: g.Rows.Canvas, Draw: g.Rows.Target, Out: d.relaxed.proposals})
	}
	var mask *gpu.Tensor
	if d.sys.Constraint != nil {
		mask = d.sys.Constraint.Mask(g)
	}
	return d.sys.Head.Sample(g, logits, mask)
}

// Traced returns a marked value of the program that serves a step, as of its last run:
// f32, a row each. It is for tests, with DecoderOptions.Trace.
func (d *Decoder) Traced(s Step, name string) ([]float32, error) {
	p, ok := d.programs[d.keyOf(&s)]
	if !ok || p.traced[name] == nil {
		return nil, fmt.Errorf("engine.Traced: %w: no value %q", ErrRequest, name)
	}
	return p.traced[name].F32()
}
