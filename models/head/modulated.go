package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
)

// Modulated draws indices behind a norm whose gain and bias come from the condition, see
// nn.Adaptive.
type Modulated struct {
	Softmax
	Modulation *nn.Linear // scale and shift of the condition
	Eps        float32
}

// Logits implements system.Head.
func (m Modulated) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	return m.Softmax.Logits(g, m.norm(g, h))
}

func (m Modulated) norm(g nn.Graph, h *nn.Value) *nn.Value {
	h = g.Adapt(h, g.Spread(m.Modulation.Forward(g, g.Kept(), nn.ProductOptions{})), 0, 1, m.Eps)
	g.Mark("head_nm", h)
	return h
}

// Loss implements system.Learner.
func (m Modulated) Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor) {
	m.Softmax.Loss(g, m.norm(g, h), targets, weight, loss)
}
