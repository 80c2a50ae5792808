package nn

// Block is a pre-norm transformer block: x + Attention(RMS x), then x + Look(RMS x) if there
// is a condition, then x + SwiGLU(RMS x). A norm belongs to the matrix behind it.
type Block struct {
	Name     string // of its result, for tests
	QKV, Out *Matrix
	MLP
	Attention *Attention
	Look      *Look // nil: none
}

// MLP is the second half of a block: x + SwiGLU(RMS x).
type MLP struct{ GateUp, Down *Matrix }

// Forward records the half.
func (m MLP) Forward(g Graph, x *Value) *Value {
	return g.Product(g.Product(x, m.GateUp, ProductOptions{Gate: true}), m.Down, ProductOptions{Add: x})
}

// Forward records the block.
func (b *Block) Forward(g Graph, x *Value) *Value {
	a := g.Attend(g.Product(x, b.QKV, ProductOptions{}), b.Attention)
	x = g.Product(a, b.Out, ProductOptions{Add: x})
	if b.Look != nil {
		g.Mark(b.Name+".attended", x)
		x = b.Look.Forward(g, x)
	}
	return b.MLP.Forward(g, x)
}

// Stack is a sequence of blocks.
type Stack []*Block

// Forward records the blocks.
func (s Stack) Forward(g Graph, x *Value) *Value {
	for _, b := range s {
		x = g.Layer(x, b.Forward)
		g.Mark(b.Name, x)
	}
	return x
}
