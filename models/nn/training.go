package nn

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/tape"
)

// Training records a network that trains, over B sequences of N rows each.
type Training struct {
	*tape.Tape
	Store     *params.Store
	B, N      int
	Axes, Key *gpu.Tensor // i32 [b·n, axes], i32 [b, n]: row q sees row k iff Key[k] <= Key[q]
	// IDs are rows of the table, i32 [b·n, k]. Starts and Rows list where each one
	// occurs, see embed.Index.
	IDs, Starts, Rows *gpu.Tensor
	InputCodes        *gpu.Tensor // f32 [b·n, f·bits]: the codes that rows are fed; nil without
	Vectors           *gpu.Tensor // f32 [b·n, features]: the features of rows; nil without
	Real              *gpu.Tensor // f32 [b·n, f·width]: the tokens of real numbers that rows are fed; nil without
	Canvas            *gpu.Tensor // i32 [b, positions]: the tokens of samples; nil without
	Places            Index       // of the coordinate of rows
	Recalled          []Index     // of the states that they start from
	Chained           Index       // of the rows that tell sub-tokens of those before them
	Lessons           Index       // of the rows that tokens of real numbers are learned from
	States            *States     // of the passes so far; nil without
	// Targets are the rows that tokens are predicted from, where a head has several
	// directions. Rows of direction i begin at i·b·n.
	Targets   tape.MeanArgs
	InStage   int
	Recompute bool // keep of each layer only its input
	Tables    *Tables
	Marked    func(name string, x *gpu.Tensor) // told of every marked value; nil: nobody
}

// Embed implements [Graph].
func (g Training) Embed(t *Table) *Value {
	table := g.Store.Span(t.names()...)
	// Ids behind the rows that learn add nothing here, and the others nothing below.
	x := g.Tape.Embed(tape.EmbedArgs{Table: table, IDs: g.IDs, Starts: g.Starts.View(0, table.X.Rows()+1), Rows: g.Rows})
	if held := g.Tables.held[t]; held != nil {
		x = g.Add(x, g.Tape.Embed(tape.EmbedArgs{Table: tape.Constant(held), IDs: g.IDs}))
	}
	return x
}

// Told returns what a table tells each of n sub-tokens of those before it in its token, [n, v].
func (g Training) Told(t *Table, n int) *Value {
	x := g.Chained
	return g.Tape.Embed(tape.EmbedArgs{Table: g.Store.Span(t.names()...), IDs: x.IDs.View(0, n, x.IDs.Elems()/n), Starts: x.Starts, Rows: x.Rows})
}

// names are the parts that learn. Others stand behind them.
func (t *Table) names() (out []string) {
	for _, p := range t.parts {
		if p.Name != "" {
			out = append(out, p.Name)
		}
	}
	return out
}

// held returns the table with zeros for what learns, nil if there is no more.
func (t *Table) held() (x []float32) {
	for _, p := range t.parts {
		if p.Values != nil && x == nil {
			x = make([]float32, t.Rows*t.Width)
		}
	}
	at := 0
	for _, p := range t.parts {
		copy(x[min(at*t.Width, len(x)):], p.Values)
		at += p.Rows
	}
	return x
}

// Codes implements [Graph].
func (g Training) Codes() *Value { return tape.Constant(g.InputCodes) }

// Features implements [Graph].
func (g Training) Features() *Value { return tape.Constant(g.Vectors) }

// Product implements [Graph].
func (g Training) Product(x *Value, w *Matrix, o ProductOptions) *Value {
	a := tape.LinearArgs{W: g.Store.Span(w.Names...), Residual: o.Add, Alpha: o.Alpha, Round: o.Add == nil && o.Bias == nil}
	if w.Norm != nil {
		x = g.RMS(x, g.Store.Value(w.Norm.Gain.Name), w.Norm.Eps)
	}
	if pick := g.Tables.picks[w]; pick != nil { // the tensor has its columns in another order
		x = g.Linear(x, tape.LinearArgs{W: tape.Constant(pick)})
	}
	if o.Bias != nil {
		a.Bias = g.vector(o.Bias)
	}
	y := g.Linear(x, a)
	if o.Gate {
		y = g.SwiGLU(y)
	}
	return g.activate(y, o.Act)
}

func (g Training) activate(x *Value, a Act) *Value {
	switch a {
	case SiLU:
		return g.SiLU(x)
	case GELU:
		return g.ExactGELU(x)
	case GELUTanh:
		return g.GELU(x)
	}
	return x
}

// Attend implements [Graph].
func (g Training) Attend(qkv *Value, a *Attention) *Value {
	if a.Rope != nil {
		r := g.Tables.rotaries[a.Rope]
		g.Rotate(qkv, rope.Args{
			N: g.B * g.N, Heads: a.Heads + a.KeyHeads(), HeadDim: a.HeadDim, LDX: a.Width(), LDOut: a.Width(),
			Pos: g.Axes, Axes: len(a.Rope.Pairs), Freq: r.freq, Axis: r.axis,
		})
	}
	return g.SelfAttention(qkv, tape.SelfAttentionArgs{B: g.B, N: g.N, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Key: g.Key, Scale: a.Scale})
}

// Pick implements [Graph]. Training predicts from every row.
func (g Training) Pick(x *Value, _ int) *Value { return x }

// Layer implements [Graph].
func (g Training) Layer(x *Value, f func(Graph, *Value) *Value) *Value {
	if !g.Recompute {
		return f(g, x)
	}
	return g.Tape.Recompute(x, func(t *tape.Tape, x *Value) *Value {
		again := g
		again.Tape = t
		return f(again, x)
	})
}

// Add implements [Graph].
func (g Training) Add(a, b *Value) *Value { return g.Sum(a, b) }

// Mark implements [Graph].
func (g Training) Mark(name string, x *Value) {
	if g.Marked != nil {
		g.Marked(name, x.X)
	}
}
