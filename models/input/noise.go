package input

import (
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Noise is an input of tokens on their way from noise. In stage 0 the rows that tokens are
// drawn from start from normal noise; in all others, and at other rows, from the tokens
// that they are fed. A row is a linear map of those and the embeddings of its ids, with a
// norm behind. Networks that train do not have it yet.
//
// Source: Ren et al., "Beyond Next-Token: Next-X Prediction for Autoregressive Visual
// Generation", 2025, arXiv:2502.20388.
type Noise struct {
	Table   *nn.Table // of places and the bias
	Numbers *nn.Matrix
	Norm    *nn.Norm
}

// Record implements system.Input.
func (i Noise) Record(g nn.Graph, stage int) *nn.Value {
	d, x := g.(*nn.Inference), g.Numbers()
	if stage == 0 {
		// Both branches of a draw start from the same noise.
		m := d.Targets()
		noise := d.Temp(tensor.F32, m, x.X.Dim(-1))
		refine.Noise(d.Recorder, refine.NoiseArgs{Draw: d.Rows.Target, Canvas: d.Rows.Canvas, Recorded: d.Recorded, Out: noise})
		for branch := range 2 {
			rows.Scatter(d.Recorder, rows.ScatterArgs{X: noise, IDs: d.Rows.Picks.View(branch*m, m), Out: x.X})
		}
	}
	x = g.Product(x, i.Numbers, nn.ProductOptions{Add: g.Embed(i.Table)})
	x = d.Norm(x, i.Norm)
	g.Mark("embed", x)
	return x
}
