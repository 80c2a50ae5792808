package nn

import (
	"cmp"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Adaptive is a transformer block with adaptive norms. Their gain and bias come from a
// condition, which also gates the branches: x + gate·f(LN(x)·(1 + scale) + shift), first
// for attention, then for an MLP with GELU.
//
// Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", 2022,
// arXiv:2212.09748; queries and keys of unit length, Liu et al., "Swin Transformer V2",
// 2021, arXiv:2111.09883.
type Adaptive struct {
	Name       string        // of its result, for tests
	Modulation *Linear       // makes gates, scales and shifts of the condition
	Parts      Parts         // where they are
	Norms      [2]*LayerNorm // gains of LN, without biases; nil: none
	QKV        *Linear
	Scale      *Vector // logarithms of scales of a head's queries, which then have unit length, as keys do; nil: none
	Out        *Linear
	Up, Down   *Linear
	Attention  *Attention
	Eps        float32
	Act        Act // of the MLP; 0 means GELUTanh
	// Look is attention to a condition, behind that to rows or, if LookFirst, in front of it. It
	// has no gate; nil: none.
	Look      *Look
	LookFirst bool
}

// Parts says which part of a modulation is what, each for attention and for the MLP.
type Parts struct{ Gate, Scale, Shift [2]int }

// Orders of parts: gate, gate, scale, scale, shift, shift as in VAR, and shift, scale, gate
// twice, as in DiT.
var (
	GatesFirst = Parts{Gate: [2]int{0, 1}, Scale: [2]int{2, 3}, Shift: [2]int{4, 5}}
	ShiftFirst = Parts{Gate: [2]int{2, 5}, Scale: [2]int{1, 4}, Shift: [2]int{0, 3}}
)

// MostLog bounds the logarithm of a head's scale: a scale is at most 100.
var MostLog = float32(math.Log(100))

// Forward records the block. The condition is one hidden state a sequence, which an earlier
// stage has kept, see Graph.Kept.
func (b *Adaptive) Forward(g Graph, x *Value) *Value {
	return b.Told(g, x, g.Spread(b.Modulation.Forward(g, g.Kept(), ProductOptions{})))
}

// Told records the block with the modulation of a condition, as Graph.Adapt takes it.
func (b *Adaptive) Told(g Graph, x, m *Value) *Value {
	x = b.look(g, x, true)
	h := b.norm(g, x, m, 0)
	g.Mark(b.Name+".attn_in", h)
	h = b.attend(g, h)
	g.Mark(b.Name+".attn_out", h)
	x = g.Gate(h, m, b.Parts.Gate[0], x)
	g.Mark(b.Name+".attended", x)
	x = b.look(g, x, false)
	h = b.norm(g, x, m, 1)
	g.Mark(b.Name+".ffn_in", h)
	h = b.Down.Forward(g, b.Up.Forward(g, h, ProductOptions{Act: cmp.Or(b.Act, GELUTanh)}), ProductOptions{})
	g.Mark(b.Name+".ffn_out", h)
	return g.Gate(h, m, b.Parts.Gate[1], x)
}

// look records attention to a condition, if it is in front, or behind.
func (b *Adaptive) look(g Graph, x *Value, first bool) *Value {
	if b.Look == nil || b.LookFirst != first {
		return x
	}
	return b.Look.Forward(g, x)
}

// norm returns what branch i starts from.
func (b *Adaptive) norm(g Graph, x, m *Value, i int) *Value {
	if n := b.Norms[i]; n != nil {
		return g.Modulate(g.LayerNorm(x, n), m, b.Parts.Scale[i], b.Parts.Shift[i], nil)
	}
	return g.Adapt(x, m, b.Parts.Scale[i], b.Parts.Shift[i], b.Eps)
}

func (b *Adaptive) attend(g Graph, x *Value) *Value {
	qkv := b.QKV.Forward(g, x, ProductOptions{})
	if b.Scale != nil {
		qkv = g.Unit(qkv, b.Scale, b.Attention)
	}
	return b.Out.Forward(g, g.Attend(qkv, b.Attention), ProductOptions{})
}

// Adaptives is a sequence of blocks.
type Adaptives []*Adaptive

// Forward records the blocks.
func (s Adaptives) Forward(g Graph, x *Value) *Value {
	for _, b := range s {
		x = g.Layer(x, b.Forward)
		g.Mark(b.Name, x)
	}
	return x
}

// Unit implements [Graph].
func (g *Inference) Unit(qkv *Value, log *Vector, a *Attention) *Value {
	norm.Unit(g.Recorder, a.unit(qkv, g.Loaded.vectors[log]))
	return qkv
}

// unit describes the queries and keys of qkv, which are changed in place.
func (a *Attention) unit(qkv *Value, log *gpu.Tensor) norm.UnitArgs {
	return norm.UnitArgs{
		X: qkv.X, Out: qkv.X, Log: log, Cap: MostLog, N: qkv.X.Rows(), Heads: a.Heads + a.KeyHeads(), HeadDim: a.HeadDim, LD: qkv.X.Dim(-1),
	}
}

// unitHeads brings the first heads of rows to unit length, in place, and scales them as
// [Graph].Unit does queries; log nil: not.
func (g *Inference) unitHeads(x *Value, heads, dim int, log *gpu.Tensor) {
	norm.Unit(g.Recorder, norm.UnitArgs{X: x.X, Out: x.X, Log: log, Cap: MostLog, N: x.X.Rows(), Heads: heads, HeadDim: dim, LD: x.X.Dim(-1)})
}

// Kept implements [Graph].
func (g *Inference) Kept() *Value { return &Value{X: g.States} }

// Spread implements [Graph]: a row for each row.
func (g *Inference) Spread(x *Value) *Value {
	y := g.temp(g.n(), x.X.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: x.X, IDs: g.Rows.Recall.View(0, g.n()), Out: y.X})
	return y
}

// part returns part i of as wide parts as x is, of each row of m.
func part(m, x *Value, i int) *gpu.Tensor {
	n, d := m.X.Rows(), x.X.Dim(-1)
	return m.X.View(i*d, (n-1)*m.X.Dim(-1)+d)
}

// Adapt implements [Graph].
func (g *Inference) Adapt(x, m *Value, scale, shift int, eps float32) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	norm.Adaptive(g.Recorder, norm.AdaptiveArgs{
		X: x.X, Scale: part(m, x, scale), Shift: part(m, x, shift), Out: y.X, B: m.X.Rows(), LDMod: m.X.Dim(-1), Eps: eps,
	})
	return y
}

// Modulate implements [Graph].
func (g *Inference) Modulate(x, m *Value, scale, shift int, heat *Value) *Value {
	a := norm.ModulateArgs{X: x.X, Scale: part(m, x, scale), Shift: part(m, x, shift), Out: x.X, B: m.X.Rows(), LDMod: m.X.Dim(-1)}
	if heat != nil {
		a.Heat = heat.X
	}
	norm.Modulate(g.Recorder, a)
	return x
}

// Gate implements [Graph].
func (g *Inference) Gate(x, m *Value, gate int, residual *Value) *Value {
	norm.Gate(g.Recorder, norm.GateArgs{X: x.X, Gate: part(m, x, gate), Residual: residual.X, Out: residual.X, B: m.X.Rows(), LDMod: m.X.Dim(-1)})
	return residual
}

// Frozen implements [Graph].
func (g *Inference) Frozen(f *Frozen) *gpu.Tensor { return g.Loaded.frozen[f] }

// Program implements [Graph].
func (g *Inference) Program() *gpu.Recorder { return g.Recorder }

// Given implements [Graph]. All sequences have as many rows.
func (g *Inference) Given(rowsOf, from, n int) (ids *gpu.Tensor, b int) {
	words := g.Rows.Words
	b = g.n() / rowsOf
	each, w := rowsOf*(words.Elems()/g.n()), words.Dim(-1)
	out := g.Temp(tensor.I32, b, n*w)
	rows.Cut(g.Recorder, rows.CutArgs{X: words.View(0, b, each), Out: out, From: from * w})
	return out.View(0, b*n, w), b
}
