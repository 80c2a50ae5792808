// Package input makes the vectors of rows, which the trunk starts from.
package input

import (
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Embedding sums the embeddings of a row's fixed ids and of the earlier tokens that it is
// fed. Rows with features have a linear map of them in place of the ids' embeddings.
type Embedding struct {
	Table    *nn.Table
	Features *nn.Matrix // nil: rows have ids
	Codes    *nn.Matrix // of binary codes, which have no embeddings; nil without
}

// Record implements system.Input.
func (f Embedding) Record(g nn.Graph, _ int) *nn.Value {
	var x *nn.Value
	if f.Features != nil {
		x = g.Product(g.Features(), f.Features, nn.ProductOptions{})
	} else {
		x = g.Embed(f.Table)
	}
	if f.Codes != nil {
		x = g.Product(g.Codes(), f.Codes, nn.ProductOptions{Add: x})
	}
	g.Mark("embed", x)
	return x
}

// Text is an input of two stages. TextStage reads the features of a text through two
// layers, with GELU between them. The other stage is Then.
type Text struct {
	Up, Down *nn.Matrix
	Then     Embedding
}

// TextStage is the stage in which Text reads features.
const TextStage = 1

// Record implements system.Input.
func (t Text) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case TextStage:
		return t.read(g)
	case system.AllStages: // a row has features or embeddings, and zeros for the other
		x := g.Add(t.read(g), t.Then.Record(g, stage))
		g.Mark("embed", x)
		return x
	}
	return t.Then.Record(g, stage)
}

func (t Text) read(g nn.Graph) *nn.Value {
	x := g.Product(g.Features(), t.Up, nn.ProductOptions{Act: nn.GELUTanh})
	x = g.Product(x, t.Down, nn.ProductOptions{})
	g.Mark("embed", x)
	return x
}
