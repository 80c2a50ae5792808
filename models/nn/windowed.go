package nn

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Windowed is a pre-norm transformer block whose rows see each other within windows, with
// biases and the exact GELU. It computes x + places, then x + Attention(norm x), x +
// Look(norm x) if there is a condition, and x + MLP(norm x). Rows have coordinates, and
// behind these the number of their level. A row sees rows of its window whose level is not
// above its own. Networks that train do not have it yet.
//
// Source: Wei et al., "OctGPT: Octree-based Multiscale Autoregressive Models for 3D Shape
// Generation", 2025, arXiv:2504.09975.
type Windowed struct {
	Name         string // of its result, for tests
	Places       *Places
	Norm1, Norm2 RowNorm
	QKV, Out     *Linear
	Up, Down     *Linear
	Attention    *Attention
	Turn         *Table // learned rotary frequencies, [axes, h·dh/2]; the level does not turn
	Windows      int    // number of the layout's windows
	Look         *Look  // nil: none
}

// RowNorm is a norm of rows that is not folded into a matrix: a [LayerNorm] or a [Norm].
type RowNorm interface {
	Forward(g Graph, x *Value) *Value
}

// Forward records the norm.
func (n *LayerNorm) Forward(g Graph, x *Value) *Value { return g.LayerNorm(x, n) }

// Forward records the norm.
func (n *Norm) Forward(g Graph, x *Value) *Value { return g.(*Inference).Norm(x, n) }

// Places are embeddings of coordinates and levels, see embed.Axes. They have a learned table
// or a constant one.
type Places struct {
	Learned  *Table    // nil: Constant
	Constant *Constant // in which an axis has its own part of the columns
	Levels   *Table
}

// Look is attention to the keys and values of a condition, x + Attention(norm x).
type Look struct {
	Name       string // of its values, for tests
	Norm       RowNorm
	Query, Out *Linear
	// Scale is as in [Adaptive], of a condition whose keys have unit length; nil: none.
	Scale  *Vector
	Shared *Shared
}

// Forward records the attention.
func (l *Look) Forward(g Graph, x *Value) *Value {
	d := g.(*Inference)
	q := l.Norm.Forward(g, x)
	g.Mark(l.Name+".look_in", q)
	q = l.Query.Forward(g, q, ProductOptions{})
	if a := l.Shared.Attention; l.Scale != nil {
		d.unitHeads(q, a.Heads, a.HeadDim, d.Loaded.vectors[l.Scale])
	}
	x = l.Out.Forward(g, d.look(q, l.Shared), ProductOptions{Add: x})
	g.Mark(l.Name+".looked", x)
	return x
}

// Forward records the block.
func (b *Windowed) Forward(g Graph, x *Value) *Value {
	d := g.(*Inference)
	x = d.situate(x, b.Places)
	g.Mark(b.Name+".places", x)
	a := d.within(b.QKV.Forward(g, b.Norm1.Forward(g, x), ProductOptions{}), b)
	x = b.Out.Forward(g, a, ProductOptions{Add: x})
	g.Mark(b.Name+".attended", x)
	if b.Look != nil {
		x = b.Look.Forward(g, x)
	}
	u := b.Up.Forward(g, b.Norm2.Forward(g, x), ProductOptions{Act: GELU})
	return b.Down.Forward(g, u, ProductOptions{Add: x})
}

// WindowedStack is a sequence of blocks.
type WindowedStack []*Windowed

// Forward records the blocks.
func (s WindowedStack) Forward(g Graph, x *Value) *Value {
	for _, b := range s {
		x = g.Layer(x, b.Forward)
		g.Mark(b.Name, x)
	}
	return x
}

// situate adds embeddings of places to x, in place.
func (g *Inference) situate(x *Value, p *Places) *Value {
	a := embed.AxesArgs{X: x.X, Out: x.X, Levels: g.Loaded.tables[p.Levels], Pos: g.Rows.Axes, Parts: p.Learned == nil}
	if p.Learned != nil {
		a.Table = g.Loaded.tables[p.Learned]
	} else {
		a.Table = g.Constant(p.Constant)
	}
	embed.Axes(g.Recorder, a)
	return x
}

// within returns attention within windows, [n, h·dh].
func (g *Inference) within(qkv *Value, b *Windowed) *Value {
	a, axes, n, d := b.Attention, g.Rows.Axes.Dim(-1), g.n(), b.Attention.Heads*b.Attention.HeadDim
	if g.levels == nil {
		g.levels = g.Coordinate(axes-1, 1)
	}
	turn := g.Loaded.tables[b.Turn].View(0, axes, a.Heads, a.HeadDim/2)
	rope.Apply(g.Recorder, rope.Args{X: qkv.X, Out: qkv.X, Heads: 2 * a.Heads, HeadDim: a.HeadDim, LDX: 3 * d, LDOut: 3 * d, Pos: g.Rows.Axes, Freq: turn})
	from := func(part int) *gpu.Tensor { return qkv.X.View(part*d, qkv.X.Elems()-part*d) }
	out, w := g.temp(n, d), g.Windows[b.Windows]
	attention.Forward(g.Recorder, attention.Args{
		Q: from(0), K: from(1), V: from(2), Out: out.X, LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d, B: 1, N: n, Heads: a.Heads, HeadDim: a.HeadDim,
		KeyQ: g.levels, Spans: w.Spans, Most: w.Most, LSE: g.Temp(tensor.F32, a.Heads, n),
	})
	return out
}

// Windows are those of a step's rows, see attention.Args.
type Windows struct {
	Spans *gpu.Tensor
	Most  int
}
