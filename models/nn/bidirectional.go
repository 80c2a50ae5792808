package nn

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Bidirectional records a network over whole sequences, whose rows all see each other. It
// keeps no keys, so it serves tokenizers, encoders and heads.
type Bidirectional struct {
	*Inference
	seen *gpu.Tensor // i32 [n]: the same key for all rows
	b    int         // sequences
}

// NewBidirectional begins a recording over the rows of ids, i32 [n, k]: those that
// [Graph.Embed] sums. A row of table that does not exist adds nothing.
func NewBidirectional(r *gpu.Recorder, l *Loaded, ids *gpu.Tensor) *Bidirectional {
	seen := r.Temp(tensor.I32, ids.Rows())
	r.Fill(seen, 0)
	return &Bidirectional{&Inference{Recorder: r, Loaded: l, Rows: step.Rows{Seq: seen, IDs: ids}}, seen, 1}
}

// Whole returns a recording over b sequences of as many rows, n in all.
func (g *Inference) Whole(b, n int) *Bidirectional {
	seen := g.Temp(tensor.I32, n)
	g.Fill(seen, 0)
	return &Bidirectional{g, seen, b}
}

// Attend implements [Graph].
func (g *Bidirectional) Attend(qkv *Value, a *Attention) *Value {
	n, width := qkv.X.Rows(), a.Width()
	if a.Rope != nil {
		g.Fail(fmt.Errorf("nn.Whole: %w: rotary positions", ErrConfig))
	}
	out := g.temp(n, a.Heads*a.HeadDim)
	from := func(head int) *gpu.Tensor { return qkv.X.View(head*a.HeadDim, qkv.X.Elems()-head*a.HeadDim) }
	attention.Forward(g.Recorder, attention.Args{
		Q: from(0), K: from(a.Heads), V: from(a.Heads + a.KeyHeads()), Out: out.X, LDQ: width, LDK: width, LDV: width,
		B: g.b, N: n / g.b, Heads: a.Heads, KVHeads: a.KeyHeads(), HeadDim: a.HeadDim, KeyQ: g.seen, LSE: g.Temp(tensor.F32, a.Heads, n),
	})
	return out
}

// Layer implements [Graph].
func (g *Bidirectional) Layer(x *Value, f func(Graph, *Value) *Value) *Value { return f(g, x) }

// Reshape returns x with rows of another width. They are the same memory.
func Reshape(x *Value, width int) *Value {
	n := x.X.Elems()
	return tape.Constant(x.X.View(0, n/width, width))
}

// Slice returns the rows [lo, hi) of x. They are the same memory.
func Slice(x *Value, lo, hi int) *Value {
	d := x.X.Dim(-1)
	return tape.Constant(x.X.View(lo*d, hi-lo, d))
}
