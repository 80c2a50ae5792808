package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
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

// Logits implements system.Head. It sums over directions. The further blocks run for
// all rows, since later rows see their keys.
func (d Directions) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	var sum *nn.Value
	for i, x := range d {
		h = x.Blocks.Forward(g, h)
		if idle(g) {
			continue
		}
		y := g.Product(g.Pick(h, i), x.Out, nn.ProductOptions{})
		g.Mark(x.Out.Names[0], y)
		if sum == nil {
			sum = y
		} else {
			sum = g.Add(sum, y)
		}
	}
	return sum
}

// Outputs implements system.Head.
func (d Directions) Outputs() int { return d[0].Out.Out }

// Draw implements system.Head.
func (d Directions) Draw(g *nn.Drawing, logits, mask *gpu.Tensor) *gpu.Tensor {
	return drawIndices(g, logits, mask, 1)
}
