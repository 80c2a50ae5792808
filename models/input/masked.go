package input

import "github.com/morton-gen/morton/models/nn"

// Masked is an input of two stages, for networks that first read the known tokens and
// then fill in the others. The first sums embeddings of a row's fixed ids and a linear map
// of the token that it is fed, and normalizes the sum. FillStage starts from the states
// that the first has kept, and from embeddings that stand for unknown tokens.
type Masked struct {
	Known   *nn.Table
	Numbers *nn.Matrix
	Norm    *nn.LayerNorm // nil: none
	Fill    *nn.Table
}

// FillStage is the stage in which Masked fills in tokens.
const FillStage = 1

// Record implements system.Input.
func (m Masked) Record(g nn.Graph, stage int) *nn.Value {
	if stage == FillStage {
		x := g.Add(g.Recall(0), g.Embed(m.Fill))
		g.Mark("fill", x)
		return x
	}
	x := g.Product(g.Numbers(), m.Numbers, nn.ProductOptions{Add: g.Embed(m.Known)})
	g.Mark("known", x)
	if m.Norm == nil {
		return x
	}
	x = g.LayerNorm(x, m.Norm)
	g.Mark("known.norm", x)
	return x
}
