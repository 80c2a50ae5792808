package head

import (
	"iter"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Directions draws one index from the mean logits of several neighbours. Each neighbour
// predicts it in its own direction: right, down, next in time.
//
// Source: He et al., "Neighboring Autoregressive Modeling for Efficient Visual
// Generation", 2025, arXiv:2503.10696.
type Directions []Direction

// Direction is one head, behind some further blocks of the trunk. The next direction
// starts from its hidden states.
type Direction struct {
	Blocks nn.Stack
	Out    *nn.Matrix
}

// Logits implements system.Head. It sums over directions.
func (d Directions) Logits(g nn.Graph, h *nn.Value) (sum *nn.Value) {
	for y := range d.each(g, h) {
		if sum == nil {
			sum = y
		} else {
			sum = g.Add(sum, y)
		}
	}
	return sum
}

// each records the logits of every direction. The further blocks run for all rows, since
// later rows see their keys.
func (d Directions) each(g nn.Graph, h *nn.Value) iter.Seq[*nn.Value] {
	return func(yield func(*nn.Value) bool) {
		for i, x := range d {
			h = x.Blocks.Forward(g, h)
			if idle(g) {
				continue
			}
			y := g.Product(g.Pick(h, i), x.Out, nn.ProductOptions{})
			g.Mark(x.Out.Names[0], y)
			if !yield(y) {
				return
			}
		}
	}
}

// Loss implements system.Learner: the cross-entropy of the mean logits over the
// neighbours that a token has.
func (d Directions) Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor) {
	g.SoftmaxCE(g.Mean(slices.Collect(d.each(g, h)), g.Targets), d.Outputs(), tape.LossArgs{Targets: targets, Weight: weight, Loss: loss})
}

// Outputs implements system.Head.
func (d Directions) Outputs() int { return d[0].Out.Out }

// Sample implements system.Head.
func (d Directions) Sample(g *nn.Inference, logits, mask *gpu.Tensor) *gpu.Tensor {
	return drawIndices(g, logits, mask, 1)
}
