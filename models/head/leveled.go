package head

import (
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Leveled is a denoiser that is also told which level of frequencies it makes. Stages are
// the levels.
//
// Source: Yu et al., "Frequency Autoregressive Image Generation with Continuous Tokens",
// 2025, arXiv:2503.05305.
type Leveled struct {
	*Denoiser
	level  *nn.Linear
	levels []*nn.Constant
}

// NewLeveled declares what makes levels known, under FAR's names.
func NewLeveled(p nn.Params, d *Denoiser, levels []int) *Leveled {
	l := &Leveled{Denoiser: d, level: p.FromEven(d.Width(), 1, nn.Init{Std: 0.02}, "index_cond_embed")}
	for _, x := range levels {
		l.levels = append(l.levels, p.Constant([]float32{float32(x), 0}, 1, 2))
	}
	return l
}

// Condition implements [Network].
func (l *Leveled) Condition(g nn.Graph, z *nn.Value) *nn.Value {
	d := g.(*nn.Inference)
	x := l.Denoiser.Condition(g, z)
	says := l.level.Forward(g, d.Fixed(l.levels[g.Stage()]), nn.ProductOptions{})
	first, all := d.Temp(tensor.I32, x.X.Rows()), d.Temp(tensor.F32, x.X.Shape...)
	d.Fill(first, 0)
	rows.Gather(d.Recorder, rows.GatherArgs{X: says.X, IDs: first, Out: all})
	return g.Add(x, tape.Constant(all))
}

var _ Network = (*Leveled)(nil)
