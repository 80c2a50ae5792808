package nn

// Adaptive is a block of a transformer whose norms a condition changes: x + gate·Attention(AdaLN x),
// then x + gate·MLP(AdaLN x), with biases and the tanh form of GELU. A condition says six
// blocks of width d: both gates, both scales, both shifts.
//
// Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", 2022,
// arXiv:2212.09748; the order of the blocks, Tian et al., "Visual Autoregressive Modeling",
// 2024, arXiv:2404.02905.
type Adaptive struct {
	Name      string  // of its result, for tests
	Modulate  *Linear // of the condition; nil where all blocks share one,
	Offset    *Vector // to which this is then added
	QKV, Out  *Linear
	Up, Down  *Linear
	Attention *Attention
	Eps       float32
}

// The blocks of a modulation.
const (
	gate1 = iota
	gate2
	scale1
	scale2
	shift1
	shift2
	// Modulations is their number.
	Modulations
)

// modulation returns what the condition says: silu of it, or what all blocks share.
func (b *Adaptive) modulation(g Graph, condition, shared *Value) *Value {
	if b.Modulate != nil {
		return b.Modulate.Forward(g, condition, ProductOptions{})
	}
	return g.Shift(shared, b.Offset)
}

func (b *Adaptive) forward(g Graph, x, m *Value) *Value {
	h := g.Adapt(x, m, scale1, shift1, b.Eps)
	g.Mark(b.Name+".attn_in", h)
	a := b.Out.Forward(g, g.Attend(b.QKV.Forward(g, h, ProductOptions{}), b.Attention), ProductOptions{})
	g.Mark(b.Name+".attn_out", a)
	x = g.Gate(x, a, m, gate1)
	h = g.Adapt(x, m, scale2, shift2, b.Eps)
	g.Mark(b.Name+".ffn_in", h)
	u := b.Down.Forward(g, b.Up.Forward(g, h, ProductOptions{Act: GELUTanh}), ProductOptions{})
	g.Mark(b.Name+".ffn_out", u)
	return g.Gate(x, u, m, gate2)
}

// AdaptiveStack is such blocks, with an adaptive norm behind them.
type AdaptiveStack struct {
	Conditions *Table  // rows of conditions
	Shared     *Linear // the modulation that all blocks share; nil: each has its own
	Blocks     []*Adaptive
	Last       *Linear // scale and shift of the norm behind the blocks
	Eps        float32
}

// Forward records the blocks and the norm.
func (s *AdaptiveStack) Forward(g Graph, x *Value) *Value {
	condition := g.Activate(g.Condition(s.Conditions))
	var shared *Value
	if s.Shared != nil {
		shared = s.Shared.Forward(g, condition, ProductOptions{})
		g.Mark("shared_ada", shared)
	}
	for _, b := range s.Blocks {
		m := b.modulation(g, condition, shared)
		g.Mark(b.Name+".ada", m)
		x = g.Layer(x, func(g Graph, x *Value) *Value { return b.forward(g, x, m) })
		g.Mark(b.Name, x)
	}
	x = g.Adapt(x, s.Last.Forward(g, condition, ProductOptions{}), 0, 1, s.Eps)
	g.Mark("head_nm", x)
	return x
}
