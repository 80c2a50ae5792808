package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Chain is a Softmax whose sub-tokens are drawn one after the other: the logits of each are
// told of those before it. What a sub-token says to a later one is a row of a table, added to
// the logits. So each pair of sub-tokens has a table of its own, and together they are the
// logarithm of a product of conditional distributions.
//
// Source: ours; a chain of sub-tokens behind one hidden state is that of Lee et al.,
// "Autoregressive Image Generation using Residual Quantization", 2022, arXiv:2203.01941,
// which has a transformer in place of the tables.
type Chain struct {
	Softmax
	Table *nn.Table // [embed.ChainRows, values of a sub-token]
}

// NewChain declares the table.
func NewChain(p nn.Params, s Softmax) Chain {
	v := s.Out.Out / s.Sub
	return Chain{Softmax: s, Table: p.Table(v, nn.Init{Std: 0.02}, nn.Part{Name: "chain.weight", Rows: embed.ChainRows(s.Sub, v)})}
}

// ChainRows implements system.Chainer.
func (c Chain) ChainRows() int { return c.Table.Rows }

// Sample implements system.Head. A draw depends on its own logits and on the request's
// numbers, so sub-tokens drawn too early do no harm: they are drawn again.
func (c Chain) Sample(g *nn.Inference, logits, mask *gpu.Tensor) *gpu.Tensor {
	m, v := g.Targets(), c.Table.Width
	told := g.Temp(tensor.F32, m, c.Sub*v)
	g.Copy(told, logits.View(0, m, c.Sub*v))
	ids := g.Temp(tensor.I32, m*c.Sub, c.Sub-1)
	drawn := drawIndices(g, told, mask, c.Sub)
	for i := range c.Sub - 1 {
		embed.Chain(g.Recorder, embed.ChainArgs{Tokens: drawn.As(tensor.I32), IDs: ids, Values: v, Lo: i, Hi: i + 1})
		embed.Sum(g.Recorder, embed.SumArgs{Table: g.AllRows(c.Table).X, IDs: ids, Out: told.View(0, m*c.Sub, v), Add: true})
		drawn = drawIndices(g, told, mask, c.Sub)
	}
	return drawn
}

// Loss implements system.Learner: the cross-entropy of each sub-token, told of those before it.
func (c Chain) Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor) {
	logits, v := c.Logits(g, h), c.Table.Width
	n := logits.X.Rows() * c.Sub
	told := g.Sum(g.Reshape(logits, n, v), g.Told(c.Table, n))
	g.SoftmaxCE(told, v, tape.LossArgs{Targets: targets, Weight: weight, Loss: loss})
}
