package nn

import (
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/rope"
)

// Shared is keys and values that several blocks look at: one product of a hidden state.
// Networks that train do not have it yet.
//
// Source: Sun et al., "You Only Cache Once: Decoder-Decoder Architectures for Language
// Models", 2024, arXiv:2405.05254.
type Shared struct {
	KeysValues *Matrix // keys, then values
	Bias       *Vector // of both; nil: none
	Attention  *Attention
	Unit       bool // keys have unit length
	// Count is the coordinate of a row that says how many slots it sees of these keys, where it
	// sees others by the same attention; 0: that is its length, see system.Rows.
	Count int
}

// Write records the product of the rows, and puts it where later rows see it.
func (s *Shared) Write(d *Inference, x *Value) {
	a := s.Attention
	keys := d.Product(x, s.KeysValues, ProductOptions{Bias: s.Bias})
	if s.Unit {
		d.unitHeads(keys, a.KeyHeads(), a.HeadDim, nil)
	}
	p := attention.PrepareArgs{
		QKV: keys.X, KVHeads: a.KeyHeads(), HeadDim: a.HeadDim, Cache: d.Caches[a.cache], Seq: d.Rows.Seq, Slot: d.Rows.Slot,
	}
	if a.Rope != nil {
		r := d.Loaded.rotary[a.Rope]
		p.Pos, p.Freq, p.Axis = d.Rows.Axes, r.freq, r.axis
	}
	attention.Prepare(d.Recorder, p)
}

// Cross is a pre-norm block whose rows look at shared keys and values, and not at each
// other: x + Attention(RMS x), then x + SwiGLU(RMS x).
type Cross struct {
	Name       string // of its result, for tests
	Query, Out *Matrix
	MLP
	Shared *Shared
}

// Forward records the block.
func (b *Cross) Forward(d *Inference, x *Value) *Value {
	x = d.Product(d.look(d.Product(x, b.Query, ProductOptions{}), b.Shared), b.Out, ProductOptions{Add: x})
	x = b.MLP.Forward(d, x)
	d.Mark(b.Name, x)
	return x
}

// look returns attention of queries, [n, h·dh], to shared keys in the cache.
func (g *Inference) look(q *Value, s *Shared) *Value {
	a, seen := s.Attention, g.Rows.Len
	if s.Count > 0 {
		seen = g.Coordinate(s.Count, 1)
	}
	if a.Rope != nil {
		r := g.Loaded.rotary[a.Rope]
		rope.Apply(g.Recorder, rope.Args{X: q.X, Out: q.X, N: q.X.Rows(), Heads: a.Heads, HeadDim: a.HeadDim, Pos: g.Rows.Axes, Axes: len(a.Rope.Pairs), Freq: r.freq, Axis: r.axis})
	}
	out := g.temp(q.X.Rows(), a.Heads*a.HeadDim)
	attention.Cached(g.Recorder, attention.CachedArgs{
		Q: q.X, Cache: g.Caches[a.cache], Out: out.X, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		Seq: g.Rows.Seq, Len: seen, Run: g.Run, Scale: a.Scale,
	})
	return out
}
