package input

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Scales are the passes of a quantizer of several scales. Each codes what the passes before
// it left over, see packages msvq and star.
type Scales interface {
	// Count is the number of tokens of a pass, and Cells that of places that all passes
	// add up at.
	Count(pass int) int
	Cells() int
	// Add writes what the tokens of a pass, [b·n, words], stand for to out, or adds it.
	Add(r *gpu.Recorder, pass, b int, tokens, out *gpu.Tensor, add bool)
	// Reduce returns sums as a pass sees them.
	Reduce(r *gpu.Recorder, pass, b int, x *gpu.Tensor) *gpu.Tensor
}

// Accumulated is an input of a stage for each pass. A row starts from what the tokens of
// all passes before it add up to, at its own place. That is computed anew in every stage,
// from the tokens alone. Networks that train do not have it yet.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905.
type Accumulated struct {
	Width int // of a sum
	// Scales returns those of a stage, and the pass that the stage predicts.
	Scales func(d *nn.Drawing, stage int) (Scales, int)
	Word   *nn.Linear // of a sum
	Table  *nn.Table  // of what a row starts from besides
}

// Record implements system.Input.
func (a Accumulated) Record(g nn.Graph, stage int) *nn.Value {
	d := g.(*nn.Drawing)
	x := d.Embed(a.Table)
	if s, pass := a.Scales(d, stage); pass > 0 {
		z := a.sum(d, s, pass)
		first := tape.Constant(x.X.View(0, z.X.Rows(), x.X.Dim(-1))) // surplus rows lie behind
		a.Word.Forward(d, z, nn.ProductOptions{Add: first})
	}
	d.Mark("embed", x)
	return x
}

// sum returns what the tokens before a pass add up to, at the places of the pass.
func (a Accumulated) sum(d *nn.Drawing, s Scales, pass int) *nn.Value {
	var sum *gpu.Tensor
	b, at := 0, 0
	for j := range pass {
		var tokens *gpu.Tensor
		tokens, b = d.Given(s.Count(pass), at, s.Count(j))
		if sum == nil {
			sum = d.Temp(tensor.F32, b*s.Cells(), a.Width)
		}
		s.Add(d.Recorder, j, b, tokens, sum, j > 0)
		at += s.Count(j)
	}
	z := tape.Constant(s.Reduce(d.Recorder, pass, b, sum))
	d.Mark("sum", tape.Constant(sum))
	d.Mark("next", z)
	return z
}
