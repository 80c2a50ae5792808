package nn

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Denoising is a transformer block that a condition of some rows modulates: x + gate·f(RMS(x)·(1
// + scale) + shift), first for attention, then for an MLP gated by GELU. The norms have no
// gain of their own. Networks that train do not have it yet.
//
// Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", 2022,
// arXiv:2212.09748; GEGLU, Shazeer, "GLU Variants Improve Transformer", 2020,
// arXiv:2002.05202; as in xAR, Ren et al., 2025, arXiv:2502.20388.
type Denoising struct {
	Name string // of its result, for tests
	// Modulation makes gate, gate, scale, scale, shift, shift of the condition, each for
	// attention and then for the MLP.
	Modulation     *Linear
	QKV, Out       *Linear
	Gate, Up, Down *Linear
	Attention      *Attention
	Eps            float32
}

// Forward records the block. The condition is [b, d]: row i is of rows i·n/b on.
func (b *Denoising) Forward(d *Inference, x, condition *Value) *Value {
	m := b.Modulation.Forward(d, condition, ProductOptions{})
	h := d.scaled(x, m, 2, 4, b.Eps)
	h = b.Out.Forward(d, d.Attend(b.QKV.Forward(d, h, ProductOptions{}), b.Attention), ProductOptions{})
	d.gated(h, m, 0, x)
	h = d.scaled(x, m, 3, 5, b.Eps)
	u, g := b.Up.Forward(d, h, ProductOptions{}), b.Gate.Forward(d, h, ProductOptions{Act: GELU})
	norm.Gate(d.Recorder, norm.GateArgs{X: u.X, Gate: g.X, Out: u.X, B: u.X.Rows()})
	d.gated(b.Down.Forward(d, u, ProductOptions{}), m, 1, x)
	d.Mark(b.Name, x)
	return x
}

// columns returns the part of m, [b, k·d], that begins at column i·d.
func columns(m *Value, i, d int) *gpu.Tensor {
	b, wide := m.X.Rows(), m.X.Dim(-1)
	return m.X.View(i*d, (b-1)*wide+d)
}

// scaled returns RMS(x)·(1 + scale) + shift.
func (g *Inference) scaled(x, m *Value, scale, shift int, eps float32) *Value {
	n, d := x.X.Rows(), x.X.Dim(-1)
	y := g.temp(n, d)
	norm.Adaptive(g.Recorder, norm.AdaptiveArgs{
		X: x.X, Scale: columns(m, scale, d), Shift: columns(m, shift, d), Out: y.X, B: m.X.Rows(), LDMod: m.X.Dim(-1), Eps: eps, RMS: true,
	})
	return y
}

// gated adds gate·x to the residual.
func (g *Inference) gated(x, m *Value, gate int, residual *Value) {
	d := x.X.Dim(-1)
	norm.Gate(g.Recorder, norm.GateArgs{X: x.X, Gate: columns(m, gate, d), Residual: residual.X, Out: residual.X, B: m.X.Rows(), LDMod: m.X.Dim(-1)})
}

// Norm returns rows of unit root-mean-square, times the gain, where no product comes next.
func (g *Inference) Norm(x *Value, n *Norm) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	norm.RMS(g.Recorder, norm.RMSArgs{X: x.X, Gain: g.Loaded.vectors[n.Gain], Out: y.X, Eps: n.Eps})
	return y
}

// Fixed returns a constant as a value.
func (g *Inference) Fixed(c *Constant) *Value { return tape.Constant(g.Constant(c)) }

// Coordinate returns one coordinate of every each-th row, i32 [n/each].
func (g *Inference) Coordinate(axis, each int) *gpu.Tensor {
	axes := g.Rows.Axes
	n, a := g.n()/each, axes.Dim(-1)
	out := g.Temp(tensor.I32, n, 1)
	rows.Cut(g.Recorder, rows.CutArgs{X: axes.View(0, n, each*a), Out: out, From: axis})
	return out.View(0, n)
}

// Lookup returns the rows of t that ids name, and zeros for ids outside.
func (g *Inference) Lookup(t *Table, ids *gpu.Tensor) *Value {
	return g.Pull(tape.Constant(g.Loaded.tables[t]), ids)
}

// Pull returns the rows of x that ids name, and zeros for ids outside.
func (g *Inference) Pull(x *Value, ids *gpu.Tensor) *Value {
	y := g.temp(ids.Elems(), x.X.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: x.X, IDs: ids, Out: y.X})
	return y
}
