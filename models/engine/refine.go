package engine

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// refinement is the state of a decoder whose head refines tokens. It has room for the
// draws of the largest step, and steps use its first rows in turn.
type refinement struct {
	head     system.Refiner
	state    *refine.State
	logits   *gpu.Tensor // f32 [branches·m, outputs]
	rest     *gpu.Tensor // f32 [slots, tokens, c+1], see system.MappedRefiner; nil without
	prepared *gpu.Tensor // f32 [passes, d]
	passes   map[passKey]*gpu.Program
}

// passKey tells recorded passes apart. The stage is 0 where the head has the same passes in all.
type passKey struct {
	draws, branches, stage int
	proposes, checks       bool // see refine.Draft
}

// mostDraws bounds the targets of a step of a system that refines, as programs round them
// up: by sequences, or in all where sequences differ.
func mostDraws(sys *system.System, slots int) int {
	g := max(sys.Layout.Group, 1)
	return max(roundUp(powerOfTwo(slots)*g), powerOfTwo(slots*g))
}

// newRefinement allocates a decoder's refinement, nil if its head does not refine.
func newRefinement(d *Decoder, o DecoderOptions) (*refinement, error) {
	head, ok := d.sys.Head.(system.Refiner)
	if !ok {
		return nil, nil
	}
	r := &refinement{head: head, passes: map[passKey]*gpu.Program{}}
	m, width, branches := mostDraws(d.sys, o.Slots), d.sys.Token.Width, max(d.sys.Layout.Branches, 2)
	var err error
	if r.state, err = refine.NewState(d.dev, m, width, branches); err != nil {
		return r, err
	}
	if r.logits, err = d.dev.NewTensor(tensor.F32, branches*m, head.Outputs()); err != nil {
		return r, err
	}
	if n := mapOf(head); n > 0 {
		if r.rest, err = d.dev.NewTensor(tensor.F32, o.Slots, n, width+1); err != nil {
			return r, err
		}
	}
	return r, r.prepare(d)
}

// refines reports whether passes make the tokens of a stage.
func (r *refinement) refines(stage int) bool {
	if r == nil {
		return false
	}
	head, ok := r.head.(system.PartialRefiner)
	return !ok || head.Refines(stage)
}

// mapOf is the number of tokens of the whole map that passes look at, 0 for none.
func mapOf(head system.Refiner) int {
	if h, ok := head.(system.MappedRefiner); ok {
		return h.Map()
	}
	return 0
}

// prepare computes what the rows of the head's table say to its network.
func (r *refinement) prepare(d *Decoder) error {
	rec := d.dev.NewRecorder()
	rec.Share(d.arena)
	x := r.head.Prepare(&nn.Inference{Recorder: rec, Loaded: d.loaded})
	if rec.Err() == nil {
		var err error
		if r.prepared, err = d.dev.NewTensor(tensor.F32, x.Shape...); err != nil {
			return err
		}
		rec.Copy(r.prepared, x)
	}
	p, err := rec.Finish()
	if err != nil {
		return err
	}
	defer p.Free()
	return p.Run(1)
}

func (r *refinement) free() {
	if r == nil {
		return
	}
	for _, p := range r.passes {
		p.Free()
	}
	r.state.Free()
	r.logits.Free()
	r.rest.Free()
	r.prepared.Free()
}

// refinement returns what a step refines.
func (d *Decoder) refinement(k passKey) *system.Refinement {
	r := d.refined
	return &system.Refinement{
		State: r.state.First(k.draws), Branches: k.branches, Prepared: r.prepared, Rest: r.rest, Recorded: d.recorded, Draft: k.draftOf(d.relaxed),
		Logits: r.logits.View(0, k.branches*k.draws, r.logits.Dim(-1)),
	}
}

// passKey returns the key of a step's passes.
func (r *refinement) passKey(k programKey) passKey {
	key := passKey{draws: k.targets, branches: k.branches, proposes: k.proposes, checks: k.relaxed}
	if _, ok := r.head.(system.StagedRefiner); ok {
		key.stage = k.stage
	}
	return key
}

// beginPasses records what stands between the trunk and the passes.
func (d *Decoder) beginPasses(g *nn.Inference, k programKey, logits *gpu.Tensor) {
	s := d.refinement(d.refined.passKey(k))
	g.Copy(s.Logits, logits.View(0, s.Logits.Shape...))
	g.Mark("logits", &nn.Value{X: s.Logits})
	a := refine.BeginArgs{State: s.State, Draw: g.Rows.Target, Temp: g.Rows.Temp, Scale: g.Rows.Scale, Canvas: g.Rows.Canvas, Recorded: d.recorded}
	if k.branches > 1 {
		a.Picks = g.Rows.Picks.View(0, k.branches*k.targets)
	}
	refine.Begin(g.Recorder, a)
}

// pass returns the program of a pass.
func (r *refinement) pass(d *Decoder, k passKey) (*gpu.Program, error) {
	if p, ok := r.passes[k]; ok {
		return p, nil
	}
	s := d.refinement(k)
	rec := d.dev.NewRecorder()
	rec.Share(d.arena)
	r.head.Pass(&nn.Inference{Recorder: rec, Loaded: d.loaded, Rows: step.Rows{Target: s.Draw}, InStage: k.stage}, s)
	p, err := rec.Finish()
	if err == nil {
		r.passes[k] = p
	}
	return p, err
}

// end records the commit of what the passes left.
func (d *Decoder) end(p *program, k programKey) (*gpu.Program, error) {
	s := d.refinement(d.refined.passKey(k))
	rec := d.dev.NewRecorder()
	rec.Share(d.arena)
	g := &nn.Inference{Recorder: rec, Loaded: d.loaded, Rows: step.Rows{Target: s.Draw}}
	step.Commit(rec, d.state, p.batch, g.Rows, d.sys.Head.Sample(g, s.X, nil))
	return rec.Finish()
}

// bytes is the device memory of a refinement.
func refinementBytes(sys *system.System, o DecoderOptions) uint64 {
	head, ok := sys.Head.(system.Refiner)
	if !ok {
		return 0
	}
	m, branches := mostDraws(sys, o.Slots), max(sys.Layout.Branches, 2)
	n := refine.StateBytes(m, sys.Token.Width, branches) + 4*uint64(branches)*uint64(m)*uint64(head.Outputs())
	n += 4 * uint64(o.Slots) * uint64(mapOf(head)) * uint64(sys.Token.Width+1)
	return n + 4*uint64(head.Passes())*uint64(head.Outputs())
}
