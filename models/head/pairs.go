package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Pairs draws each bit of a binary code independently, from two logits: of zero and of one,
// side by side. A stage has its own linear map, with as many bits as it makes pairs. The
// other bits of a code are 0. Networks that train do not have it yet.
//
// Guidance is that of sample.Project, over all draws of a request together. A stage may
// draw codes again that are there, see sample.Redraw.
type Pairs struct {
	// Of returns what a stage draws with.
	Of             func(stage int) PairsStage
	Words          int // of a code
	Threshold, Eta float32
	Most           int // logits of any stage
}

// PairsStage is how a stage draws.
type PairsStage struct {
	Linear
	Scale float32 // of the logits, before guidance
	Draws int     // of a request; 0: there is no guidance
	Again int     // one in so many wrong codes is drawn again; 0: none
}

// Logits implements system.Head.
func (p Pairs) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	s := p.Of(g.Stage())
	x := s.Logits(g, h)
	g.Mark("branches", x)
	if s.Scale != 1 {
		elementwise.Scale(g.(*nn.Inference).Recorder, elementwise.ScaleArgs{X: x.X, Out: x.X, By: s.Scale})
	}
	return x
}

// Join implements system.Joiner.
func (p Pairs) Join(g *nn.Inference, logits *gpu.Tensor) *gpu.Tensor {
	m := g.Targets()
	if p.Of(g.Stage()).Draws == 0 {
		return logits.View(0, m, logits.Dim(-1))
	}
	out := g.Temp(tensor.F32, m, logits.Dim(-1))
	sample.Project(g.Recorder, sample.ProjectArgs{
		X: logits, Picks: g.Rows.Picks.View(0, 2*m), Scale: g.Rows.Scale, Out: out, N: p.Of(g.Stage()).Draws, Threshold: p.Threshold, Eta: p.Eta,
	})
	return out
}

// Outputs implements system.Head.
func (p Pairs) Outputs() int { return p.Most }

// Sample implements system.Head.
func (p Pairs) Sample(g *nn.Inference, logits, _ *gpu.Tensor) *gpu.Tensor {
	drawn := g.Temp(tensor.U32, g.Targets(), p.Words)
	g.Fill(drawn, 0) // inactive draws leave it alone
	sample.Bits(g.Recorder, sample.BitsArgs{Logits: logits, Draw: g.Rows.Target, Temp: g.Rows.Temp, Out: drawn, Pairs: true})
	if share := p.Of(g.Stage()).Again; share > 0 {
		chosen := g.Temp(tensor.F32, g.Targets(), 1)
		sample.Redraw(g.Recorder, sample.RedrawArgs{Logits: logits, Draw: g.Rows.Target, Canvas: g.Rows.Canvas, Tokens: g.Tokens, Drawn: drawn, Chosen: chosen, Share: share})
		g.Mark("chosen", tape.Constant(chosen))
	}
	return drawn
}
