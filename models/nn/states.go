package nn

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Constant is a table that a network computes with and nobody trains. Only networks that
// generate have it.
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

// Constant returns a constant on the device, f32.
func (g *Drawing) Constant(c *Constant) *gpu.Tensor { return g.Loaded.constants[c] }

// Stage implements [Graph].
func (g *Drawing) Stage() int { return g.InStage }

// LayerNorm implements [Graph].
func (g *Drawing) LayerNorm(x *Value, n *LayerNorm) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	norm.Layer(g.Recorder, norm.LayerArgs{X: x.X, Gain: g.Loaded.vectors[n.Gain], Bias: g.Loaded.vectors[n.Bias], Out: y.X, Eps: n.Eps})
	return y
}

// SiLU implements [Graph].
func (g *Drawing) SiLU(x *Value) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	activation.SiLU(g.Recorder, activation.SiLUArgs{X: x.X, Out: y.X})
	return y
}

// Modulate implements [Graph].
func (g *Drawing) Modulate(x, mod *Value) *Value {
	n, d := x.X.Rows(), x.X.Dim(-1)
	y := g.temp(n, d)
	norm.Modulate(g.Recorder, norm.ModulateArgs{
		X: x.X, Scale: mod.X.View(0, 2*n*d-d), Shift: mod.X.View(d, 2*n*d-d), Out: y.X, B: n, LDMod: 2 * d,
	})
	return y
}

// Numbers implements [Graph]. The words of tokens of real numbers are their bits.
func (g *Drawing) Numbers() *Value {
	words := g.Rows.Words.As(tensor.F32)
	return tape.Constant(words.View(0, g.n(), words.Elems()/g.n()))
}

// Place implements [Graph].
func (g *Drawing) Place(t *Table) *Value {
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
func (g *Drawing) Keep(x *Value) {
	rows.Scatter(g.Recorder, rows.ScatterArgs{X: x.X, IDs: g.Rows.Keep, Out: g.States})
}

// Recall implements [Graph].
func (g *Drawing) Recall(i int) *Value {
	n := g.n()
	x := g.temp(n, g.States.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: g.States, IDs: g.Rows.Recall.View(i*n, n), Out: x.X})
	return x
}

// Index says where rows of a table are used: IDs is i32 [n], Starts and Rows are as
// embed.Index makes them.
type Index struct{ IDs, Starts, Rows *gpu.Tensor }

// States hands hidden states from one stage of a network that trains to the next.
type States struct{ kept *Value }

// Stage implements [Graph].
func (g Training) Stage() int { return g.InStage }

// LayerNorm implements [Graph].
func (g Training) LayerNorm(x *Value, n *LayerNorm) *Value {
	return g.Tape.Layer(x, g.Store.Value(n.Gain.Name), g.Store.Value(n.Bias.Name), n.Eps)
}

// Numbers implements [Graph].
func (g Training) Numbers() *Value { return tape.Constant(g.Given) }

// Place implements [Graph].
func (g Training) Place(t *Table) *Value {
	return g.Tape.Gather(g.Store.Span(t.names()...), tape.GatherArgs(g.Places))
}

// Keep implements [Graph]. It keeps the states of all rows.
func (g Training) Keep(x *Value) { g.States.kept = x }

// Recall implements [Graph].
func (g Training) Recall(i int) *Value {
	return g.Tape.Gather(g.States.kept, tape.GatherArgs(g.Recalled[i]))
}
