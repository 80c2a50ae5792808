package nn

// Block is a pre-norm transformer block: x + Attention(RMS x), then x + SwiGLU(RMS x).
// A norm belongs to the matrix behind it.
type Block struct {
	Name         string // of its result, for tests
	QKV, Out     *Matrix
	GateUp, Down *Matrix
	Attention    *Attention
}

// Forward records the block.
func (b *Block) Forward(g Graph, x *Value) *Value {
	a := g.Attend(g.Product(x, b.QKV, ProductOptions{}), b.Attention)
	x = g.Product(a, b.Out, ProductOptions{Add: x})
	u := g.Product(x, b.GateUp, ProductOptions{Gate: true})
	return g.Product(u, b.Down, ProductOptions{Add: x})
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
