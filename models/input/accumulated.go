package input

import "github.com/morton-gen/morton/models/nn"

// Accumulated sums the embeddings of a row's fixed ids, and a linear map of the code that
// earlier scales add up to. The map's bias is a row of the table, since the first scale
// has none.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905.
type Accumulated struct {
	Table *nn.Table
	Code  *nn.Accumulator
	Word  *nn.Matrix
}

// Record implements system.Input.
func (a Accumulated) Record(g nn.Graph, _ int) *nn.Value {
	code := g.Accumulate(a.Code)
	g.Mark("var_input", code)
	x := g.Product(code, a.Word, nn.ProductOptions{Add: g.Embed(a.Table)})
	g.Mark("embed", x)
	return x
}
