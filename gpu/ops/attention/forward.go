package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/matmul"
)

// Forward adds masked multi-head attention to a program. For every sequence and
// head, over the keys k that query q sees,
//
//	P[q, k] = softmax_k(scale · Q[q]·K[k]),   Out[q] = Σ_k P[q, k] V[k]
//
// Every query sees itself, so no row is empty; NaN in a visible score reaches
// its row of Out. A sequence's bits do not depend on the other sequences. Errors
// wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762,
// equation 1; the mask is "block-causal" when positions share a key.
func Forward(r *gpu.Recorder, a Args) {
	a.defaults()
	if err := a.check("attention.Forward"); err != nil {
		r.Fail(err)
		return
	}
	s := a.product(matmul.NT, a.rows(a.Q, a.LDQ), a.rows(a.K, a.LDK), a.square(a.Probs), a.N, a.HeadDim)
	s.Alpha = a.Scale
	matmul.Record(r, s)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "softmax"),
		Grid:   gpu.Linear(a.B * a.Heads * a.N),
		In:     []*gpu.Tensor{a.Key},
		Out:    []*gpu.Tensor{a.Probs},
		Params: []uint32{uint32(a.B * a.Heads * a.N), uint32(a.N), uint32(a.Heads)},
	})
	matmul.Record(r, a.product(matmul.NN, a.square(a.Probs), a.rows(a.V, a.LDV), a.rows(a.Out, a.LDO), a.HeadDim, a.N))
}

// operand is one side of the batched products: its row stride, and what lies
// between two sequences and between two heads.
type operand struct {
	t      *gpu.Tensor
	ld     int
	stride [2]int
}

// rows describes a [b·n, d] matrix, cut by head.
func (a *Args) rows(t *gpu.Tensor, ld int) operand {
	return operand{t, ld, [2]int{a.N * ld, a.HeadDim}}
}

// square describes a [b, h, n, n] tensor.
func (a *Args) square(t *gpu.Tensor) operand {
	ld := even(a.N)
	return operand{t, ld, [2]int{a.Heads * a.N * ld, a.N * ld}}
}

// product is z = x·y for every sequence and head; z has N rows, cols columns and
// sums over k.
func (a *Args) product(l matmul.Layout, x, y, z operand, cols, k int) matmul.Args {
	return matmul.Args{
		Layout: l, A: x.t, B: y.t, C: z.t, M: a.N, N: cols, K: k,
		LDA: x.ld, LDB: y.ld, LDC: z.ld, Batch: a.B * a.Heads, Inner: a.Heads,
		StrideA: x.stride, StrideB: y.stride, StrideC: z.stride,
	}
}
