package transformer

import (
	"github.com/morton-gen/morton/models/nn"
)

// normEps is RMSNorm's epsilon.
const normEps = 1e-6

// BlockSize describes the blocks of a stack.
type BlockSize struct {
	Width, Heads, Hidden int
	Rope                 *nn.Rope
	// Std is the standard deviation of the first weights, and Deep that of the
	// matrices that end a residual branch.
	Std, Deep float64
}

// NewBlock declares one block by Morton's own names: the query, key and value
// matrices stacked in that order, gate above up.
func NewBlock(p nn.Params, s BlockSize) *nn.Block {
	d, f := s.Width, s.Hidden
	std, deep := nn.Init{Std: s.Std}, nn.Init{Std: s.Deep}
	b := &nn.Block{Attention: p.Attention(nn.Attention{Heads: s.Heads, HeadDim: d / s.Heads, Rope: s.Rope})}
	before := p.RMS(d, normEps, "attention_norm.weight")
	b.QKV = p.Matrix(3*d, d, std, "attention.qkv.weight").After(before)
	b.Out = p.Matrix(d, d, deep, "attention.out.weight")
	before = p.RMS(d, normEps, "mlp_norm.weight")
	b.GateUp = p.Matrix(2*f, d, std, "mlp.gate_up.weight").After(before)
	b.Down = p.Matrix(d, f, deep, "mlp.down.weight")
	return b
}
