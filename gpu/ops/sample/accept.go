package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// ProposeArgs are the operands of [Propose].
type ProposeArgs struct {
	Logits *gpu.Tensor // f32 [m, v]
	Canvas *gpu.Tensor // i32 [m]
	Draw   *gpu.Tensor // u32 [m, 8]
	Out    *gpu.Tensor // f32 [slots, l, v]
}

// Propose adds to a program the copy of logits to the places of their canvas and position,
// for [Accept]. Rows that draw nothing go nowhere. Errors wrap [gpu.ErrShape].
func Propose(r *gpu.Recorder, a ProposeArgs) {
	const where = "sample.Propose"
	m, v, err := launch.Matrix(where, "Logits", a.Logits)
	l, err := proposed(where, "Out", a.Out, v, err)
	if err == nil {
		err = launch.Check(where, launch.I32("Canvas", a.Canvas, m), launch.U32("Draw", a.Draw, m*DrawWords))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "propose"), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.Logits, a.Canvas, a.Draw}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(v), uint32(l)},
		Work:   launch.Work(0, a.Logits, a.Logits, a.Canvas, a.Draw),
	})
}

// proposed returns the positions l of a table of proposals [slots, l, v].
func proposed(where, name string, t *gpu.Tensor, v int, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	if t == nil || len(t.Shape) != 3 || t.Dim(2) != v {
		return 0, launch.Error(where, "%s is no table of rows of %d logits", name, v)
	}
	return t.Dim(1), launch.Check(where, launch.F32(name, t, t.Elems()))
}

// AcceptArgs are the operands of [Accept].
type AcceptArgs struct {
	Logits    *gpu.Tensor // f32 [m, v]
	Proposals *gpu.Tensor // f32 [slots, l, v], see Propose
	Tokens    *gpu.Tensor // u32 [slots, l]: the drafted ones
	Near      *gpu.Tensor // u32 [v, k]: the nearest tokens to each, the nearest first; nil: none
	Canvas    *gpu.Tensor // i32 [m]
	Draw      *gpu.Tensor // u32 [m, 8], as for Softmax
	Temp      *gpu.Tensor // f32 [m, 3]
	Out       *gpu.Tensor // u32 [m]
	Delta     float32     // the most probability that near tokens add
	Ahead     int         // of so many rows side by side the last has no drafted token
}

// Accept adds to a program the check of drafted tokens. With the probabilities p by the
// logits and q by the proposal, both with the filters of [Softmax], the token x stays with
// probability
//
//	min(1, (p(x) + a(x)) / q(x)),  a(x) = p(n₁) + p(n₂) + … ≤ delta
//
// over the nearest tokens n to x, the nearest first. Else a token comes from max(p - q, 0).
// Without near tokens, or with delta 0, tokens are distributed as p. With them, the
// distance in total variation from p is at most the sum over x of min(max(q(x)-p(x), 0), a(x)).
// At temperature 0, x stays if it is the likeliest token or one of those added is, at
// temperature 1.
//
// The randomness of a token depends on its row of Draw alone. Errors wrap [gpu.ErrShape].
//
// Source: Jang et al., "LANTERN: Accelerating Visual Autoregressive Models with Relaxed
// Speculative Decoding", 2024, arXiv:2410.03355; without them, Leviathan et al.,
// arXiv:2211.17192.
func Accept(r *gpu.Recorder, a AcceptArgs) {
	const where = "sample.Accept"
	m, v, err := launch.Matrix(where, "Logits", a.Logits)
	l, err := proposed(where, "Proposals", a.Proposals, v, err)
	near := 0
	if err == nil && a.Near != nil {
		near = a.Near.Elems() / v
	}
	if err == nil && a.Ahead < 1 {
		err = launch.Error(where, "a draft of %d tokens", a.Ahead)
	}
	if err == nil {
		err = launch.Check(where, launch.U32("Tokens", a.Tokens, a.Proposals.Elems()/v), launch.Optional(launch.U32("Near", a.Near, near*v)), launch.I32("Canvas", a.Canvas, m),
			launch.U32("Draw", a.Draw, m*DrawWords), launch.F32("Temp", a.Temp, 3*m), launch.U32("Out", a.Out, m))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "accept"), Grid: gpu.Linear(m),
		In: []*gpu.Tensor{a.Logits, a.Proposals, a.Tokens, a.Near, a.Canvas, a.Draw, a.Temp}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(v), uint32(l), uint32(near), uint32(a.Ahead), 3, gpu.F32Param(a.Delta)},
		Work:   launch.Work(20*m*v, a.Logits, a.Logits, a.Canvas, a.Draw, a.Temp, a.Out),
	})
}
