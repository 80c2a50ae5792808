package nn

import (
	"errors"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Index says where rows of a table are used: IDs is i32 [n], Starts and Rows are as
// embed.Index makes them.
type Index struct{ IDs, Starts, Rows *gpu.Tensor }

// States hands hidden states, of one width, from one pass of a network that trains to those
// behind it.
type States struct {
	Width int
	kept  []*Value
}

// all returns the states of all passes so far, one behind the other.
func (g Training) all() *Value {
	if k := g.States.kept; len(k) != 1 {
		return g.Stack(k...)
	}
	return g.States.kept[0]
}

// Stage implements [Graph].
func (g Training) Stage() int { return g.InStage }

// LayerNorm implements [Graph].
func (g Training) LayerNorm(x *Value, n *LayerNorm) *Value {
	return g.Tape.Layer(x, g.Store.Value(n.Gain.Name), g.Store.Value(n.Bias.Name), n.Eps)
}

// Numbers implements [Graph].
func (g Training) Numbers() *Value { return tape.Constant(g.Real) }

// Place implements [Graph].
func (g Training) Place(t *Table) *Value {
	table, at := g.Store.Span(t.names()...), g.Places
	at.Starts = at.Starts.View(0, table.X.Rows()+1)
	return g.Tape.Gather(table, tape.GatherArgs(at))
}

// Keep implements [Graph]. It keeps the states of all rows.
func (g Training) Keep(x *Value) {
	if d := x.X.Dim(-1); d != g.States.Width {
		x = g.Reshape(x, x.X.Rows()*d/g.States.Width, g.States.Width)
	}
	g.States.kept = append(g.States.kept, x)
}

// Recall implements [Graph].
func (g Training) Recall(i int) *Value { return g.RecallSpan(i, 1) }

// RecallSpan implements [Graph].
func (g Training) RecallSpan(i, span int) *Value {
	at := g.Recalled[i]
	at.IDs = at.IDs.View(0, g.B*g.N, span)
	return g.Tape.Gather(g.all(), tape.GatherArgs(at))
}

// Look implements [Graph]. The condition is what the first pass kept. Its rows are seen by
// all of their sequence.
func (g Training) Look(q *Value, s *Shared) *Value {
	a, o := s.Attention, ProductOptions{Bias: s.Bias}
	condition := g.States.kept[0]
	nk := condition.X.Rows() / g.B
	seen := g.Recorder().Temp(tensor.I32, g.B, nk)
	g.Recorder().Fill(seen, 0) // below what any row has
	return g.CrossAttention(q, g.Product(condition, s.KeysValues, o), tape.CrossAttentionArgs{
		B: g.B, N: g.N, NK: nk, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, KeyQ: g.Key, KeyK: seen, Scale: a.Scale,
	})
}

// Kept implements [Graph]: the states of the first pass, of one row a sequence.
func (g Training) Kept() *Value { return g.States.kept[0] }

// Spread implements [Graph]: a row for each sequence.
func (g Training) Spread(x *Value) *Value { return x }

// Modulate implements [Graph]. Heat is for drawing.
func (g Training) Modulate(x, m *Value, scale, shift int, _ *Value) *Value {
	return g.Tape.Modulate(x, m, scale, shift)
}

// Adapt implements [Graph].
func (g Training) Adapt(x, m *Value, scale, shift int, eps float32) *Value {
	return g.Adaptive(x, m, scale, shift, eps)
}

// Gate implements [Graph].
func (g Training) Gate(x, m *Value, gate int, residual *Value) *Value {
	return g.Tape.Gate(x, m, gate, residual)
}

// Unit implements [Graph].
func (g Training) Unit(qkv *Value, log *Vector, a *Attention) *Value {
	return g.Tape.Unit(qkv, g.vector(log), a.unit(qkv, nil))
}

// Waves implements [Graph].
func (g Training) Waves(x *Value, f *Constant) *Value {
	y := g.Recorder().Temp(tensor.F32, x.X.Rows(), 2*f.Dim(1))
	embed.Sinusoid(g.Recorder(), embed.SinusoidArgs{Pos: x.X, Freq: g.Constant(f), Out: y, Order: embed.CosSin})
	return tape.Constant(y)
}

// Constant implements [Graph].
func (g Training) Constant(c *Constant) *gpu.Tensor { return g.Tables.constants[c] }

// Frozen implements [Graph].
func (g Training) Frozen(f *Frozen) *gpu.Tensor { return g.Tables.frozen[f] }

// Program implements [Graph].
func (g Training) Program() *gpu.Recorder { return g.Recorder() }

// Given implements [Graph].
func (g Training) Given(_, from, n int) (ids *gpu.Tensor, b int) {
	out := g.Recorder().Temp(tensor.I32, g.B, n)
	rows.Cut(g.Recorder(), rows.CutArgs{X: g.Canvas, Out: out, From: from})
	return out, g.B
}

// Learned returns the row of x for each lesson, zeros where there is none.
func (g Training) Learned(x *Value) *Value { return g.Tape.Gather(x, tape.GatherArgs(g.Lessons)) }

// vector returns a vector's elements. Its parts lie one behind the other.
func (g Training) vector(v *Vector) *Value {
	names := v.names()
	if len(names) == 1 {
		return g.Store.Value(names[0])
	}
	parts := make([]*Value, len(names))
	for i, name := range names {
		parts[i] = g.Store.Value(name)
		if v.held == name {
			parts[i] = tape.Constant(parts[i].X)
		}
	}
	if v.Plus != "" {
		return g.Sum(parts[0], parts[1])
	}
	return g.Stack(parts...)
}

// Tables are what a network that trains computes with and does not learn: rotary
// frequencies, constants, and tensors of other networks.
type Tables struct {
	loaded    *Loaded
	rotaries  map[*Rope]rotary
	constants map[*Constant]*gpu.Tensor
	frozen    map[*Frozen]*gpu.Tensor
	held      map[*Table]*gpu.Tensor  // constants of tables, at their rows
	picks     map[*Matrix]*gpu.Tensor // [stored, in], 1 at each column that is picked
}

// NewTables makes the tables of a network. Tensors of other networks are those of w. Errors
// wrap [ErrWeights], or are gpu's.
func NewTables(dev *gpu.Device, l *List, w Weights) (*Tables, error) {
	loaded := newLoaded()
	t := &Tables{loaded: loaded, rotaries: loaded.rotary, constants: loaded.constants, frozen: loaded.frozen, held: loaded.tables, picks: map[*Matrix]*gpu.Tensor{}}
	if err := errors.Join(loaded.fixed(dev, l, w), t.own(dev, l)); err != nil {
		t.Free()
		return nil, err
	}
	return t, nil
}

// own makes what only training has: constants of tables, and orders of columns.
func (t *Tables) own(dev *gpu.Device, l *List) (err error) {
	for _, x := range l.all {
		switch x := x.(type) {
		case *Table:
			if held := x.held(); held != nil {
				t.held[x], err = dev.FromF32(held, x.Rows, x.Width)
			}
		case *Matrix:
			if x.columns != nil {
				t.picks[x], err = dev.FromF32(x.picked(), x.stored, x.In)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// picked is the matrix that brings columns into the tensor's order, [stored, in].
func (m *Matrix) picked() []float32 {
	x := make([]float32, m.stored*m.In)
	for i, c := range m.columns {
		if c >= 0 {
			x[c*m.In+i] = 1
		}
	}
	return x
}

// Free gives the memory back.
func (t *Tables) Free() {
	if t == nil {
		return
	}
	t.loaded.Free()
	for _, p := range t.picks {
		p.Free()
	}
}
