package nn

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// NormedAttention is attention of rows to the same or other rows, with layer norms of each
// head's queries and keys. It keeps no keys, so it serves tokenizers and encoders.
//
// Source: Dehghani et al., "Scaling Vision Transformers to 22 Billion Parameters", 2023,
// arXiv:2302.05442.
type NormedAttention struct {
	Q, K, V, Out *Linear
	QNorm, KNorm *LayerNorm
	turned       *Attention
}

// NormedAttention declares attention under timm's names, with maps of queries, keys and values
// apart.
func (p Params) NormedAttention(width int, eps float32, a Attention) *NormedAttention {
	return &NormedAttention{
		Q: p.Linear(width, width, Init{}, "q"), K: p.Linear(width, width, Init{}, "k"), V: p.Linear(width, width, Init{}, "v"), Out: p.Linear(width, width, Init{}, "proj"),
		QNorm: p.LayerNorm(a.HeadDim, eps, "q_norm"), KNorm: p.LayerNorm(a.HeadDim, eps, "k_norm"), turned: p.Attention(a),
	}
}

// Sight says what rows see, and where they are.
type Sight struct {
	Query, Key     *gpu.Tensor // i32 [n] and [nk]: query q sees key k iff Key[k] <= Query[q]; Key nil: as Query
	QueryAt, KeyAt *gpu.Tensor // i32 [n, axes] and [nk, axes]; nil: not turned
	Add            *Value      // added to the result, which may take its place
}

// Forward records attention of the rows of x to those of y.
func (a *NormedAttention) Forward(g *Inference, x, y *Value, s Sight) *Value {
	q, k, v := a.Q.Forward(g, x, ProductOptions{}), a.K.Forward(g, y, ProductOptions{}), a.V.Forward(g, y, ProductOptions{})
	q, k = a.prepare(g, q, a.QNorm, s.QueryAt), a.prepare(g, k, a.KNorm, s.KeyAt)
	n, heads := x.X.Rows(), a.turned.Heads
	out := g.temp(n, x.X.Dim(-1))
	attention.Forward(g.Recorder, attention.Args{
		Q: q.X, K: k.X, V: v.X, Out: out.X, B: 1, N: n, NK: y.X.Rows(), Heads: heads, HeadDim: a.turned.HeadDim,
		KeyQ: s.Query, KeyK: s.Key, LSE: g.Temp(tensor.F32, heads, n),
	})
	return a.Out.Forward(g, out, ProductOptions{Add: s.Add})
}

// prepare normalizes the heads of queries or keys, and turns them.
func (a *NormedAttention) prepare(g *Inference, x *Value, n *LayerNorm, at *gpu.Tensor) *Value {
	rows, width := x.X.Rows(), x.X.Dim(-1)
	x = Reshape(g.LayerNorm(Reshape(x, a.turned.HeadDim), n), width)
	if at != nil {
		r := g.Loaded.rotary[a.turned.Rope]
		rope.Apply(g.Recorder, rope.Args{X: x.X, Out: x.X, N: rows, Heads: a.turned.Heads, HeadDim: a.turned.HeadDim, Pos: at, Axes: len(a.turned.Rope.Pairs), Freq: r.freq, Axis: r.axis})
	}
	return x
}

// AllRows returns the rows of a table, [rows, width].
func (g *Inference) AllRows(t *Table) *Value { return tape.Constant(g.Loaded.tables[t]) }
