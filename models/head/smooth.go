package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Smooth makes tokens of real numbers that lie between the codes of a book: the codes by the
// weights of sample.Smooth. Networks that train do not have it.
//
// Source: the option more_smooth of Tian et al., "Visual Autoregressive Modeling", 2024,
// arXiv:2404.02905.
type Smooth struct {
	Modulated
	Book *nn.Frozen // f32 [codes, numbers]
	// Of returns what a stage multiplies logits by, and the temperature of its weights.
	Of func(stage int) (gain, tau float32)
}

// Sample implements system.Head.
func (s Smooth) Sample(g *nn.Inference, logits, _ *gpu.Tensor) *gpu.Tensor {
	m, v, book := g.Targets(), logits.Dim(-1), g.Frozen(s.Book)
	gain, tau := s.Of(g.Stage())
	weights, tokens := g.Temp(tensor.F32, m, v), g.Temp(tensor.F32, m, book.Dim(-1))
	g.Fill(weights, 0) // inactive draws leave it alone
	sample.Smooth(g.Recorder, sample.SmoothArgs{
		Logits: logits.View(0, m, v), Draw: g.Rows.Target, Temp: g.Rows.Temp, Gain: gain, Tau: tau, Recorded: g.Recorded, Canvas: g.Rows.Canvas, Out: weights,
	})
	matmul.Record(g.Recorder, matmul.Args{Layout: matmul.NN, A: weights, B: book, C: tokens})
	return tokens.As(tensor.U32)
}
