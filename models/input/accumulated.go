package input

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Scales is a quantizer of several scales, see package msvq.
type Scales interface {
	// Look returns what the tokens of scale k stand for at the last scale, before
	// refinement.
	Look(r *gpu.Recorder, k, b int, ids *gpu.Tensor) *gpu.Tensor
	// Refine writes the refinement of x to out, or adds it.
	Refine(r *gpu.Recorder, k, b int, x, out *gpu.Tensor, add bool)
	// Reduce returns feature maps as scale k sees them.
	Reduce(r *gpu.Recorder, k, b int, x *gpu.Tensor) *gpu.Tensor
}

// Accumulated is an input of a stage for each scale, behind one for the condition. A row
// starts from what the tokens of all scales before it add up to, at its own place. That
// is computed anew in every stage, from the tokens alone. Networks that train do not have
// it yet.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905.
type Accumulated struct {
	Sides     []int // of the scales
	Width     int   // of a code
	Quantizer func(d *nn.Drawing) Scales
	Word      *nn.Linear // of an accumulated code
	Table     *nn.Table  // of conditions, levels and places
}

// Record implements system.Input. Stage 0 is the condition's, and stage k+1 that of scale
// k.
func (a Accumulated) Record(g nn.Graph, stage int) *nn.Value {
	d := g.(*nn.Drawing)
	x := d.Embed(a.Table)
	if stage == 0 {
		return d.SiLU(x)
	}
	if k := stage - 1; k > 0 {
		z := a.sum(d, k)
		first := tape.Constant(x.X.View(0, z.X.Rows(), x.X.Dim(-1))) // surplus rows lie behind
		a.Word.Forward(d, z, nn.ProductOptions{Add: first})
	}
	d.Mark("embed", x)
	return x
}

// sum returns what the tokens before scale k add up to, at the places of the scale.
func (a Accumulated) sum(d *nn.Drawing, k int) *nn.Value {
	side, last := a.Sides[k], a.Sides[len(a.Sides)-1]
	q := a.Quantizer(d)
	var sum *gpu.Tensor
	at := 0
	for j, p := range a.Sides[:k] {
		ids, b := d.Given(side*side, at, p*p)
		if sum == nil {
			sum = d.Temp(tensor.F32, b*last*last, a.Width)
		}
		q.Refine(d.Recorder, j, b, q.Look(d.Recorder, j, b, ids.View(0, ids.Elems())), sum, j > 0)
		at += p * p
	}
	b := sum.Rows() / (last * last)
	z := tape.Constant(q.Reduce(d.Recorder, k, b, sum))
	d.Mark("sum", tape.Constant(sum))
	d.Mark("next", z)
	return z
}
