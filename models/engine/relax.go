package engine

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Relax lets the check of a draft keep tokens that stand near to likely ones. The
// probability of the nearest tokens counts for the drafted one, up to Delta. So fewer tokens
// are rejected, and samples are not distributed as the system's alone; [sample.Accept] has
// the bound. With Delta 0 the distribution is the system's. It serves single indices without
// a constraint, and tokens of real numbers by a temperature.
//
// Source: Jang et al., "LANTERN: Accelerating Visual Autoregressive Models with Relaxed
// Speculative Decoding", 2024, arXiv:2410.03355.
type Relax struct {
	Near  []uint32 // [values, k]: the nearest tokens to each, the nearest first
	Delta float64  // from 0 to 1
	// Temperature, at least 1, relaxes the check of tokens of real numbers: see
	// [refine.Draft]. With 1 tokens are distributed as the system's. Near and Delta are not
	// for them.
	Temperature float64
}

// check returns what is wrong with a relaxation for a system of so many values.
func (r *Relax) check(values int) error {
	bad := len(r.Near)%max(values, 1) != 0 || !(r.Delta >= 0 && r.Delta <= 1)
	for _, n := range r.Near {
		bad = bad || int(n) >= values
	}
	if bad {
		return fmt.Errorf("engine.New: %w: %d near tokens of %d values, delta %g", ErrRequest, len(r.Near), values, r.Delta)
	}
	return nil
}

// relaxation is what relaxed checks read. A draft writes its proposals.
type relaxation struct {
	proposals *gpu.Tensor // f32 [slots, positions, values]
	near      *gpu.Tensor // u32 [values, k], nil without
	delta     float32
	ahead     int
	draft     *refine.Draft // of tokens of real numbers, nil for others
}

// relax allocates what the checks of a draft read, if they are relaxed. A nil draft is the
// decoder itself.
func (d *Decoder) relax(draft *Decoder, o Options) error {
	if o.Draft == nil || o.Draft.Relax == nil && d.refined == nil {
		return nil
	}
	if d.refined != nil {
		return d.relaxNumbers(draft, o)
	}
	r, t := o.Draft.Relax, d.sys.Token
	if t.Sub != 1 || t.Bits > 0 || t.Width > 0 || d.sys.Constraint != nil {
		return fmt.Errorf("engine.New: %w: only drafts of single indices without a constraint are relaxed", ErrRequest)
	}
	if err := r.check(t.Values); err != nil {
		return err
	}
	values := d.sys.Head.Outputs()
	if err := d.dev.CheckMemory(4*uint64(o.Slots)*uint64(d.state.Length)*uint64(values) + 4*uint64(len(r.Near))); err != nil {
		return fmt.Errorf("engine.New: proposals of a draft: %w", err)
	}
	d.relaxed = &relaxation{delta: float32(r.Delta), ahead: o.Draft.Ahead}
	var err error
	if d.relaxed.proposals, err = d.dev.NewTensor(tensor.F32, o.Slots, d.state.Length, values); err != nil {
		return err
	}
	if draft != nil {
		draft.relaxed = d.relaxed
	}
	if len(r.Near) == 0 {
		return nil
	}
	if d.relaxed.near, err = d.dev.NewTensor(tensor.U32, values, len(r.Near)/values); err != nil {
		return err
	}
	near := make([]int32, len(r.Near))
	for i, n := range r.Near {
		near[i] = int32(n)
	}
	return d.relaxed.near.WriteI32(near)
}

func (r *relaxation) free() {
	if r != nil {
		r.proposals.Free()
		r.near.Free()
		if r.draft != nil {
			r.draft.Free()
		}
	}
}

// accept records the relaxed check of drafted tokens, u32 [m, 1].
func (r *relaxation) accept(g *nn.Inference, logits, tokens *gpu.Tensor) *gpu.Tensor {
	m := g.Targets()
	drawn := g.Temp(tensor.U32, m, 1)
	g.Fill(drawn, 0) // inactive draws leave it alone
	sample.Accept(g.Recorder, sample.AcceptArgs{
		Logits: logits.View(0, m, logits.Dim(-1)), Proposals: r.proposals, Tokens: tokens.View(0, tokens.Dim(0), tokens.Dim(1)), Near: r.near,
		Canvas: g.Rows.Canvas, Draw: g.Rows.Target, Temp: g.Rows.Temp, Out: drawn.View(0, m), Delta: r.delta, Ahead: r.ahead,
	})
	return drawn
}
