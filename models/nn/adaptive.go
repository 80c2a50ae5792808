package nn

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Adaptive is a transformer block whose norms take gain and bias from a condition, and
// whose branches are gated by it: x + gate·f(LN(x)·(1 + scale) + shift), first for
// attention, then for an MLP with GELU. The condition is one hidden state a sequence, which
// an earlier stage has kept, see [Drawing.Keep]. Networks that train do not have it yet.
//
// Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", 2022,
// arXiv:2212.09748; queries and keys of unit length, Liu et al., "Swin Transformer V2",
// 2021, arXiv:2111.09883.
type Adaptive struct {
	Name string // of its result, for tests
	// Modulation makes gate, gate, scale, scale, shift, shift of the condition, each for
	// attention and then for the MLP.
	Modulation *Linear
	QKV        *Linear
	Scale      *Vector // of a head's queries, which then have unit length, as keys do; nil: none
	Out        *Linear
	Up, Down   *Linear
	Attention  *Attention
	Eps        float32
}

// ScaleOf turns the logarithms of heads' scales into scales, of at most 100.
func ScaleOf(x []float32) {
	for i := range x {
		x[i] = float32(math.Exp(min(float64(x[i]), math.Log(100))))
	}
}

// Forward records the block.
func (b *Adaptive) Forward(d *Drawing, x *Value) *Value {
	m := d.Spread(b.Modulation.Forward(d, d.Condition(), ProductOptions{}))
	h := d.Adapt(x, m, 2, 4, b.Eps)
	d.Mark(b.Name+".attn_in", h)
	h = b.attend(d, h)
	d.Mark(b.Name+".attn_out", h)
	x = d.Gate(h, m, 0, x)
	h = d.Adapt(x, m, 3, 5, b.Eps)
	d.Mark(b.Name+".ffn_in", h)
	h = b.Down.Forward(d, b.Up.Forward(d, h, ProductOptions{Act: GELUTanh}), ProductOptions{})
	d.Mark(b.Name+".ffn_out", h)
	x = d.Gate(h, m, 1, x)
	d.Mark(b.Name, x)
	return x
}

func (b *Adaptive) attend(d *Drawing, x *Value) *Value {
	qkv := b.QKV.Forward(d, x, ProductOptions{})
	if b.Scale != nil {
		a := b.Attention
		norm.Heads(d.Recorder, norm.HeadsArgs{X: qkv.X, Scale: d.Loaded.vectors[b.Scale], Heads: a.Heads + a.KeyHeads(), Dim: a.HeadDim})
	}
	return b.Out.Forward(d, d.Attend(qkv, b.Attention), ProductOptions{})
}

// Condition returns the only state that each sequence keeps, [slots, width].
func (g *Drawing) Condition() *Value { return &Value{X: g.States} }

// Spread returns for each row what x, [slots, d], has for its sequence: [n, d].
func (g *Drawing) Spread(x *Value) *Value {
	y := g.temp(g.n(), x.X.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: x.X, IDs: g.Rows.Recall.View(0, g.n()), Out: y.X})
	return y
}

// part returns part i of as wide parts as x is, of each row of m.
func part(m, x *Value, i int) *gpu.Tensor {
	n, d := m.X.Rows(), x.X.Dim(-1)
	return m.X.View(i*d, (n-1)*m.X.Dim(-1)+d)
}

// Adapt returns LN(x)·(1 + scale) + shift, the scale and the shift being parts of a row
// of m.
func (g *Drawing) Adapt(x, m *Value, scale, shift int, eps float32) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	norm.Adaptive(g.Recorder, norm.AdaptiveArgs{
		X: x.X, Scale: part(m, x, scale), Shift: part(m, x, shift), Out: y.X, B: x.X.Rows(), LDMod: m.X.Dim(-1), Eps: eps,
	})
	return y
}

// Gate returns residual + gate·x, the gate being a part of a row of m. The result takes
// the place of the residual.
func (g *Drawing) Gate(x, m *Value, gate int, residual *Value) *Value {
	norm.Gate(g.Recorder, norm.GateArgs{X: x.X, Gate: part(m, x, gate), Residual: residual.X, Out: residual.X, B: x.X.Rows(), LDMod: m.X.Dim(-1)})
	return residual
}

// Frozen returns a tensor that nobody trains.
func (g *Drawing) Frozen(f *Frozen) *gpu.Tensor { return g.Loaded.frozen[f] }

// Given returns n tokens that the rows of each sequence are fed, behind the first from of
// them: i32 [b·n, words]. It also returns the number b of sequences. All have as many rows.
func (g *Drawing) Given(rowsOf, from, n int) (ids *gpu.Tensor, b int) {
	words := g.Rows.Words
	b = g.n() / rowsOf
	each, w := rowsOf*(words.Elems()/g.n()), words.Dim(-1)
	out := g.Temp(tensor.I32, b, n*w)
	rows.Cut(g.Recorder, rows.CutArgs{X: words.View(0, b, each), Out: out, From: from * w})
	return out.View(0, b*n, w), b
}
