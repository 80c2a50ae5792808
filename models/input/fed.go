// Package input holds what stands at a row of the network.
package input

import (
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Fed is the sum of the embeddings of a row's fixed ids and of the tokens it is fed.
type Fed struct {
	Table *nn.Table
	Codes *nn.Matrix // of binary codes, which have no embeddings; nil without
}

// Record implements system.Input.
func (f Fed) Record(g nn.Graph, _ int) *nn.Value {
	x := g.Embed(f.Table)
	if f.Codes != nil {
		x = g.Product(g.Codes(), f.Codes, nn.ProductOptions{Add: x})
	}
	g.Mark("embed", x)
	return x
}

// Text is an input of two stages: the first reads the features of a text by two
// layers with GELU between them, the second is another input.
type Text struct {
	Up, Down *nn.Matrix
	Then     Fed
}

// TextStage is the stage in which Text reads features.
const TextStage = 1

// Record implements system.Input.
func (t Text) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case TextStage:
		return t.read(g)
	case system.AllStages: // a row has features or embeddings; what it lacks is zero
		x := g.Add(t.read(g), t.Then.Record(g, stage))
		g.Mark("embed", x)
		return x
	}
	return t.Then.Record(g, stage)
}

func (t Text) read(g nn.Graph) *nn.Value {
	x := g.Product(g.Features(), t.Up, nn.ProductOptions{GELU: true})
	x = g.Product(x, t.Down, nn.ProductOptions{})
	g.Mark("embed", x)
	return x
}
