package input

import (
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Windows is an input of two stages. The first reads a condition. In the second a row is a
// window of tokens: their embeddings are made narrower, lie side by side, and go through some
// blocks. Networks that train do not have it yet.
//
// Source: Ma et al., "Token-Shuffle: Towards High-Resolution Image Generation with
// Autoregressive Models", 2025, arXiv:2504.17789, section 3.2.
type Windows struct {
	Condition, Tokens *nn.Table
	Compress          *nn.Linear // of one token, to the width over the window's tokens
	Blocks            []nn.MLP
}

// Record implements system.Input.
func (w Windows) Record(g nn.Graph, stage int) *nn.Value {
	if stage == 0 {
		return g.Embed(w.Condition)
	}
	d := g.(*nn.Inference)
	words := d.Rows.Words
	each := w.Compress.Forward(g, d.Lookup(w.Tokens, words.As(tensor.I32).View(0, words.Elems())), nn.ProductOptions{})
	x := nn.Reshape(each, w.Tokens.Width)
	for _, b := range w.Blocks {
		x = b.Forward(g, x)
	}
	g.Mark("embed", x)
	return x
}
