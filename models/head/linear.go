// Package head turns hidden states into logits and tokens.
package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Linear makes logits by one linear map of a hidden state.
type Linear struct {
	Out  *nn.Matrix
	Bias *nn.Vector // nil: none
	// Skip adds a linear map of the codes that the row is fed, times SkipScale.
	Skip      *nn.Matrix
	SkipScale float32
	// Guess adds a linear map of the features of the row.
	Guess *nn.Matrix
}

// Logits implements system.Head.
func (l Linear) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	x := g.Product(g.Pick(h, 0), l.Out, nn.ProductOptions{Bias: l.Bias})
	g.Mark(l.Out.Names[0], x)
	if l.Skip != nil {
		x = g.Product(g.Pick(g.Codes(), 0), l.Skip, nn.ProductOptions{Add: x, Alpha: l.SkipScale})
	}
	if l.Guess != nil {
		x = g.Product(g.Pick(g.Features(), 0), l.Guess, nn.ProductOptions{Add: x})
	}
	return x
}

// idle reports whether a step draws nothing.
func idle(g nn.Graph) bool {
	d, ok := g.(*nn.Inference)
	return ok && d.Targets() == 0
}

// Outputs implements system.Head.
func (l Linear) Outputs() int { return l.Out.Out }

// Softmax draws indices. A token has Sub of them, each with a softmax of its own.
type Softmax struct {
	Linear
	Sub int // 0 means 1
}

// Sample implements system.Head.
func (s Softmax) Sample(g *nn.Inference, logits, mask *gpu.Tensor) *gpu.Tensor {
	return drawIndices(g, logits, mask, max(s.Sub, 1))
}

func drawIndices(g *nn.Inference, logits, mask *gpu.Tensor, sub int) *gpu.Tensor {
	m := g.Targets()
	drawn := g.Temp(tensor.U32, m, sub)
	g.Fill(drawn, 0) // inactive draws leave it alone
	sample.Softmax(g.Recorder, sample.SoftmaxArgs{
		Logits: logits.View(0, m*sub, logits.Dim(-1)/sub), Draw: g.Rows.Target, Temp: g.Rows.Temp, Mask: mask, Out: drawn, S: sub,
	})
	return drawn
}

// Loss implements system.Learner: the cross-entropy.
func (s Softmax) Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor) {
	logits := s.Logits(g, h)
	g.SoftmaxCE(logits, logits.X.Dim(-1)/max(s.Sub, 1), tape.LossArgs{Targets: targets, Weight: weight, Loss: loss})
}

// Bits draws each bit of a binary code independently.
type Bits struct{ Linear }

// Sample implements system.Head.
func (b Bits) Sample(g *nn.Inference, logits, _ *gpu.Tensor) *gpu.Tensor {
	return drawBits(g, logits)
}

func drawBits(g *nn.Inference, logits *gpu.Tensor) *gpu.Tensor {
	drawn := g.Temp(tensor.U32, g.Targets(), (logits.Dim(-1)+31)/32)
	g.Fill(drawn, 0)
	sample.Bits(g.Recorder, sample.BitsArgs{Logits: logits, Draw: g.Rows.Target, Temp: g.Rows.Temp, Out: drawn})
	return drawn
}

// Loss implements system.Learner: the binary cross-entropy of every bit.
func (b Bits) Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor) {
	g.BitsBCE(b.Logits(g, h), tape.LossArgs{Targets: targets, Weight: weight, Loss: loss})
}
