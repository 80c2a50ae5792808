package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Rotate turns columns of x in place by rope.Apply, whose X and Out are x. Its
// gradient is turned back in place: nothing else may read x before it is turned.
func (t *Tape) Rotate(x *Value, a rope.Args) {
	a.X, a.Out = x.X, x.X
	rope.Apply(t.r, a)
	if x.Half != nil { // as it was before
		h := x.Half
		x.Half = nil
		x.again = func() *gpu.Tensor {
			b := a
			b.X = t.widen(h)
			b.Out = b.X
			rope.Apply(t.r, b)
			return b.X
		}
	}
	t.push(x, func(dx *gpu.Tensor) {
		a.X, a.Out, a.Inverse = dx, dx, !a.Inverse
		rope.Apply(t.r, a)
	})
}

// SelfAttentionArgs describe attention within sequences, as attention.Args.
type SelfAttentionArgs struct {
	B, N                    int
	Heads, KVHeads, HeadDim int         // KVHeads 0 means Heads
	Key                     *gpu.Tensor // i32 [b, n]: q sees k iff Key[k] <= Key[q]
	Scale                   float32     // 0 means 1/√headdim
}

// SelfAttention is attention.Forward of qkv [b·n, (heads + 2·kvheads)·headdim],
// queries, keys and values side by side: [b·n, heads·headdim].
func (t *Tape) SelfAttention(qkv *Value, a SelfAttentionArgs) *Value {
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
	}
	y, ld := t.temp(a.B*a.N, a.Heads*a.HeadDim), qkv.X.Dim(-1)
	q, k, v := a.split(qkv.X)
	args := attention.Args{
		Q: q, K: k, V: v, Out: y.X, LDQ: ld, LDK: ld, LDV: ld, B: a.B, N: a.N, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		KeyQ: a.Key, Scale: a.Scale, LSE: t.r.Temp(tensor.F32, a.B, a.Heads, a.N),
	}
	attention.Forward(t.r, args)
	t.push(y, func(dy *gpu.Tensor) {
		t.into(qkv, func(g *gpu.Tensor) {
			dq, dk, dv := a.split(g)
			args.Q, args.K, args.V = a.split(t.kept(qkv))
			args.Out = t.kept(y)
			attention.Backward(t.r, attention.BackwardArgs{Args: args, DOut: dy, DQ: dq, DK: dk, DV: dv, LDDQ: ld, LDDK: ld, LDDV: ld})
		})
	})
	return y
}

// split returns the views that begin at the queries, keys and values of x.
func (a *SelfAttentionArgs) split(x *gpu.Tensor) (q, k, v *gpu.Tensor) {
	from := func(head int) *gpu.Tensor { return x.View(head*a.HeadDim, x.Elems()-head*a.HeadDim) }
	return from(0), from(a.Heads), from(a.Heads + a.KVHeads)
}

// CrossAttentionArgs describe attention of the rows of a sequence to others, as
// attention.Args.
type CrossAttentionArgs struct {
	B, N, NK                int
	Heads, KVHeads, HeadDim int         // KVHeads 0 means Heads
	KeyQ, KeyK              *gpu.Tensor // i32 [b, n] and [b, nk]: q sees k iff KeyK[k] <= KeyQ[q]
	Scale                   float32     // 0 means 1/√headdim
}

// CrossAttention is attention.Forward of queries q [b·n, heads·headdim], and of keys and
// values kv [b·nk, 2·kvheads·headdim] side by side: [b·n, heads·headdim].
func (t *Tape) CrossAttention(q, kv *Value, a CrossAttentionArgs) *Value {
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
	}
	y, ld, d := t.temp(a.B*a.N, a.Heads*a.HeadDim), kv.X.Dim(-1), a.KVHeads*a.HeadDim
	values := func(x *gpu.Tensor) *gpu.Tensor { return x.View(d, x.Elems()-d) }
	args := attention.Args{
		Q: q.X, K: kv.X, V: values(kv.X), Out: y.X, LDK: ld, LDV: ld, B: a.B, N: a.N, NK: a.NK, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		KeyQ: a.KeyQ, KeyK: a.KeyK, Scale: a.Scale, LSE: t.r.Temp(tensor.F32, a.B, a.Heads, a.N),
	}
	attention.Forward(t.r, args)
	t.push(y, func(dy *gpu.Tensor) {
		t.into(q, func(dq *gpu.Tensor) {
			t.into(kv, func(dkv *gpu.Tensor) {
				k := t.kept(kv)
				args.Q, args.K, args.V, args.Out = t.kept(q), k, values(k), t.kept(y)
				attention.Backward(t.r, attention.BackwardArgs{Args: args, DOut: dy, DQ: dq, DK: dkv, DV: values(dkv), LDDK: ld, LDDV: ld})
			})
		})
	})
	return y
}
