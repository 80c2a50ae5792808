package head

import (
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Windows draws all tokens of a window from one hidden state. It goes through some blocks, and
// is cut into a narrow state for each token, which is made wide again. The targets of a window
// follow each other and come from the same row. Networks that train do not have it yet.
//
// Source: Ma et al., "Token-Shuffle: Towards High-Resolution Image Generation with
// Autoregressive Models", 2025, arXiv:2504.17789, section 3.2.
type Windows struct {
	Softmax
	Blocks []nn.MLP
	Expand *nn.Linear // of one token's part
}

// Logits implements system.Head.
func (w Windows) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	d, narrow := g.(*nn.Inference), w.Expand.W.In
	picked := g.Pick(h, 0).X // a window's targets all have its row
	n, width := picked.Rows(), picked.Dim(-1)
	each := width / narrow
	first := d.Temp(tensor.F32, n/each, width)
	rows.Cut(d.Recorder, rows.CutArgs{X: picked.View(0, n/each, each*width), Out: first})
	x := tape.Constant(first)
	for _, b := range w.Blocks {
		x = b.Forward(g, x)
	}
	x = w.Expand.Forward(g, nn.Reshape(x, narrow), nn.ProductOptions{})
	x = g.Product(x, w.Out, nn.ProductOptions{})
	g.Mark(w.Out.Names[0], x)
	return x
}
