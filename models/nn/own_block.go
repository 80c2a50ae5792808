package nn

// BlockSize describes the blocks of Morton's own networks.
type BlockSize struct {
	Width, Heads, Hidden int
	Rope                 *Rope
	// Std is the standard deviation of the first weights, and Deep that of the
	// matrices that end a residual branch.
	Std, Deep float64
}

// OwnEps is the epsilon of the norms of Morton's own networks.
const OwnEps = 1e-6

// OwnBlock declares one block by Morton's own names: the query, key and value
// matrices stacked in that order, gate above up.
func (p Params) OwnBlock(s BlockSize) *Block {
	d, f := s.Width, s.Hidden
	std, deep := Init{Std: s.Std}, Init{Std: s.Deep}
	b := &Block{Attention: p.Attention(Attention{Heads: s.Heads, HeadDim: d / s.Heads, Rope: s.Rope})}
	before := p.RMS(d, OwnEps, "attention_norm.weight")
	b.QKV = p.Matrix(3*d, d, std, "attention.qkv.weight").After(before)
	b.Out = p.Matrix(d, d, deep, "attention.out.weight")
	before = p.RMS(d, OwnEps, "mlp_norm.weight")
	b.GateUp = p.Matrix(2*f, d, std, "mlp.gate_up.weight").After(before)
	b.Down = p.Matrix(d, f, deep, "mlp.down.weight")
	return b
}
