package head

import "github.com/morton-gen/morton/models/nn"

// Modulated draws indices behind a norm whose gain and bias come from the condition, see
// nn.Adaptive. Networks that train do not have it yet.
type Modulated struct {
	Softmax
	Modulation *nn.Linear // scale and shift of the condition
	Eps        float32
}

// Logits implements system.Head.
func (m Modulated) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	d := g.(*nn.Drawing)
	if idle(d) {
		return nil
	}
	h = d.Adapt(h, d.Spread(m.Modulation.Forward(d, d.Condition(), nn.ProductOptions{})), 0, 1, m.Eps)
	d.Mark("head_nm", h)
	return m.Softmax.Logits(d, h)
}
