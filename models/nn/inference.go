package nn

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Inference records a network that generates. A product does the norm before it and the
// gate behind it. Residuals are added in place. Keys and values go to a cache.
type Inference struct {
	*gpu.Recorder
	Loaded *Loaded
	Tokens *gpu.Tensor       // u32 [slots, l, s]: the canvases
	Rows   step.Rows         // of the step
	Caches []attention.Cache // by attention
	Bits   int               // of a code; 0: tokens are indices
	// Run is the least number of consecutive rows of one sequence.
	Run int
	// EveryRow says that every row has one target, by one direction of the head.
	EveryRow bool
	// Vectors holds the features of conditions, f32 [rows, features]; nil without.
	Vectors *gpu.Tensor
	// States holds the hidden states that rows keep, f32 [places of all slots, width]; nil
	// without.
	States *gpu.Tensor
	// ConstraintData holds what the constraint reads of each canvas's request, u32 [slots, words]; nil
	// without.
	ConstraintData *gpu.Tensor
	InStage        int
	Windows        []Windows // ways to divide the rows into windows, those of the layout
	// Patterns are the blocks of keys that rows see, by attention, and Select has them
	// chosen; nil without.
	Patterns []*attention.Pattern
	Select   *attention.Selection
	// Recorded are numbers in place of random ones, for tests; nil without.
	Recorded *refine.Recorded
	// Marked, if set, is called with every marked value.
	Marked func(name string, x *gpu.Tensor)

	codes  *Value
	levels *gpu.Tensor // i32 [n], see Windowed
	sees   *gpu.Tensor // i32 [n], see Shared.Length
}

func (g *Inference) temp(n, d int) *Value { return tape.Constant(g.Temp(tensor.F32, n, d)) }

// n is the number of rows of the step.
func (g *Inference) n() int { return g.Rows.Seq.Elems() }

// Embed implements [Graph].
func (g *Inference) Embed(t *Table) *Value {
	x := g.temp(g.n(), t.Width)
	embed.Sum(g.Recorder, embed.SumArgs{Table: g.Loaded.tables[t], IDs: g.Rows.IDs, Out: x.X})
	return x
}

// Codes implements [Graph].
func (g *Inference) Codes() *Value {
	if g.codes == nil {
		fed := g.Rows.Valid.Elems()
		each := g.Temp(tensor.F32, fed, g.Bits)
		bsq.Expand(g.Recorder, bsq.ExpandArgs{Bits: g.Rows.Words, Valid: g.Rows.Valid, Code: each})
		g.codes = tape.Constant(each.View(0, g.n(), fed/g.n()*g.Bits))
	}
	return g.codes
}

// Features implements [Graph]. A row's fixed ids are rows of Vectors, and it is fed nothing
// but codes.
func (g *Inference) Features() *Value {
	x := g.temp(g.n(), g.Vectors.Dim(-1))
	embed.Sum(g.Recorder, embed.SumArgs{Table: g.Vectors, IDs: g.Rows.IDs, Out: x.X})
	return x
}

var acts = [...]matmul.Act{NoAct: matmul.NoAct, SiLU: matmul.SiLU, GELU: matmul.GELU, GELUTanh: matmul.GELUTanh}

// Product implements [Graph].
func (g *Inference) Product(x *Value, w *Matrix, o ProductOptions) *Value {
	m := g.Loaded.matrices[w]
	a := matmul.Args{A: x.X, B: m.b, Scale: m.scale, Add: o.Add != nil, Alpha: o.Alpha, Gated: o.Gate, Act: acts[o.Act]}
	if w.Norm != nil {
		a.NormEps = w.Norm.Eps
	}
	if o.Bias != nil {
		a.Bias = g.Loaded.vectors[o.Bias]
	}
	y, columns := o.Add, w.Out
	if o.Gate {
		columns /= 2
	}
	if y == nil {
		y = g.temp(x.X.Rows(), columns)
	}
	a.C = y.X
	matmul.Record(g.Recorder, a)
	return y
}

// Add implements [Graph].
func (g *Inference) Add(a, b *Value) *Value {
	elementwise.Add(g.Recorder, elementwise.AddArgs{A: a.X, B: b.X, Out: a.X})
	return a
}

// Attend implements [Graph].
func (g *Inference) Attend(qkv *Value, a *Attention) *Value {
	cache, out := g.Caches[a.cache], g.temp(qkv.X.Rows(), a.Heads*a.HeadDim)
	p := attention.PrepareArgs{
		QKV: qkv.X, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Cache: cache, Seq: g.Rows.Seq, Slot: g.Rows.Slot,
	}
	if a.Rope != nil {
		r := g.Loaded.rotary[a.Rope]
		p.Pos, p.Freq, p.Axis, p.Coarse = g.Rows.Axes, r.freq, r.axis, a.Rope.Coarse
	}
	if a.QNorm != nil {
		p.QGain, p.KGain, p.Eps = g.Loaded.vectors[a.QNorm.Gain], g.Loaded.vectors[a.KNorm.Gain], a.QNorm.Eps
	}
	attention.Prepare(g.Recorder, p)
	c := attention.CachedArgs{
		Q: qkv.X, LDQ: a.Width(), Cache: cache, Out: out.X, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		Seq: g.Rows.Seq, Len: g.Rows.Len, Ranges: g.Rows.Ranges, Run: g.Run, Scale: a.Scale,
	}
	chosen := c
	if g.Patterns != nil {
		chosen.Pattern, chosen.At = g.Patterns[a.cache], g.Rows.Slot
	}
	if g.Patterns != nil && g.Select == nil {
		c = chosen
	}
	attention.Cached(g.Recorder, c)
	if g.Select != nil {
		attention.Select(g.Recorder, chosen, *g.Select)
	}
	return out
}

// Pick implements [Graph].
func (g *Inference) Pick(x *Value, direction int) *Value {
	if g.EveryRow {
		return x
	}
	n := g.Rows.Picks.Dim(1)
	out := g.temp(n, x.X.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: x.X, IDs: g.Rows.Picks.View(direction*n, n), Out: out.X})
	return out
}

// Targets returns the number of tokens that the step samples.
func (g *Inference) Targets() int {
	if g.Rows.Target == nil {
		return 0
	}
	return g.Rows.Target.Rows()
}

// Layer implements [Graph].
func (g *Inference) Layer(x *Value, f func(Graph, *Value) *Value) *Value { return f(g, x) }

// Mark implements [Graph].
func (g *Inference) Mark(name string, x *Value) {
	if g.Marked != nil {
		g.Marked(name, x.X)
	}
}
