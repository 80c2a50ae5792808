package nn

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Constant is a table that a network computes with and nobody trains.
type Constant struct {
	shape []int
	x     []float32
}

// Constant declares a constant.
func (p Params) Constant(x []float32, shape ...int) *Constant {
	c := &Constant{shape, x}
	p.list.all = append(p.list.all, c)
	return c
}

// Dim returns extent i.
func (c *Constant) Dim(i int) int { return c.shape[i] }

// Constant implements [Graph].
func (g *Inference) Constant(c *Constant) *gpu.Tensor { return g.Loaded.constants[c] }

// Stage implements [Graph].
func (g *Inference) Stage() int { return g.InStage }

// LayerNorm implements [Graph].
func (g *Inference) LayerNorm(x *Value, n *LayerNorm) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	norm.Layer(g.Recorder, norm.LayerArgs{X: x.X, Gain: g.Loaded.vectors[n.Gain], Bias: g.Loaded.vectors[n.Bias], Out: y.X, Eps: n.Eps})
	return y
}

// SiLU implements [Graph].
func (g *Inference) SiLU(x *Value) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	activation.SiLU(g.Recorder, activation.SiLUArgs{X: x.X, Out: y.X})
	return y
}

// Waves implements [Graph].
func (g *Inference) Waves(x *Value, f *Constant) *Value {
	y := g.temp(x.X.Rows(), 2*f.Dim(1))
	embed.Sinusoid(g.Recorder, embed.SinusoidArgs{Pos: x.X, Freq: g.Constant(f), Out: y.X, Order: embed.CosSin})
	return y
}

// Numbers implements [Graph]. The words of tokens of real numbers are their bits.
func (g *Inference) Numbers() *Value {
	words := g.Rows.Words.As(tensor.F32)
	return tape.Constant(words.View(0, g.n(), words.Elems()/g.n()))
}

// Place implements [Graph].
func (g *Inference) Place(t *Table) *Value {
	axes := g.Rows.Axes
	ids := axes.View(0, g.n())
	if a := axes.Dim(-1); a != 1 {
		g.Fail(fmt.Errorf("nn.Place: %w: a place has %d axes", gpu.ErrShape, a))
	}
	x := g.temp(g.n(), t.Width)
	rows.Gather(g.Recorder, rows.GatherArgs{X: g.Loaded.tables[t], IDs: ids, Out: x.X})
	return x
}

// Keep implements [Graph].
func (g *Inference) Keep(x *Value) {
	width := g.States.Dim(-1)
	span := max(x.X.Dim(-1)/width, 1)
	rows.Scatter(g.Recorder, rows.ScatterArgs{X: x.X.View(0, x.X.Rows()*span, width), IDs: g.Rows.Keep, Out: g.States, Span: span})
}

// Recall implements [Graph].
func (g *Inference) Recall(i int) *Value { return g.RecallSpan(i, 1) }

// RecallSpan implements [Graph].
func (g *Inference) RecallSpan(i, span int) *Value {
	n := g.n()
	x := g.temp(n, span*g.States.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: g.States, IDs: g.Rows.Recall.View(i*n, n), Out: x.X, Span: span})
	return x
}
