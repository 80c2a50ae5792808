package transformer

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
)

// normEps is RMSNorm's epsilon.
const normEps = 1e-6

// Block is one pre-norm transformer block in training form: x + Attention(RMS x),
// then x + SwiGLU(RMS x), over B sequences of N positions.
type Block struct {
	Store  *params.Store
	Prefix string // of the parameter names
	B, N   int
	Width  int
	Heads  int
	Hidden int
	Rope   Rotary
	Axes   *gpu.Tensor // i32 [b·n, axes]: positions
	Key    *gpu.Tensor // i32 [b, n]: visibility, see attention.Args
}

// Rotary is a table of rotary frequencies on the device.
type Rotary struct {
	Freq, Axis *gpu.Tensor
	Axes       int
}

// NewRotary makes the table of a configuration.
func NewRotary(dev *gpu.Device, headDim int, pairs []int, theta float64) (Rotary, error) {
	f, a := rope.Table(headDim, pairs, theta)
	freq, err := dev.FromF32(f, len(f))
	if err != nil {
		return Rotary{}, err
	}
	axis, err := dev.FromI32(a, len(a))
	if err != nil {
		freq.Free()
		return Rotary{}, err
	}
	return Rotary{Freq: freq, Axis: axis, Axes: len(pairs)}, nil
}

// Free gives the table's memory back.
func (r Rotary) Free() {
	r.Freq.Free()
	r.Axis.Free()
}

// saved is what a block's backward pass needs of its forward pass.
type saved struct {
	x, rstd1, h1, qkv, lse, a *gpu.Tensor
	mid, rstd2, h2, u, s      *gpu.Tensor
}

func (b *Block) rows() int { return b.B * b.N }

func (b *Block) param(name string) *gpu.Tensor { return b.Store.Param(b.Prefix + name) }
func (b *Block) grad(name string) *gpu.Tensor  { return b.Store.Grad(b.Prefix + name) }

// qk rotates the query and key columns of a [r, 3d] matrix in place.
func (b *Block) qk(r *gpu.Recorder, qkv *gpu.Tensor, inverse bool) {
	rope.Apply(r, rope.Args{
		X: qkv, Out: qkv, N: b.rows(), Heads: 2 * b.Heads, HeadDim: b.Width / b.Heads, LDX: 3 * b.Width, LDOut: 3 * b.Width,
		Pos: b.Axes, Axes: b.Rope.Axes, Freq: b.Rope.Freq, Axis: b.Rope.Axis, Inverse: inverse,
	})
}

// tail is the view of a matrix from column block i of width d to its end.
func tail(x *gpu.Tensor, off int) *gpu.Tensor { return x.View(off, x.Elems()-off) }

func (b *Block) attend(qkv, out, lse *gpu.Tensor) attention.Args {
	d := b.Width
	return attention.Args{
		Q: tail(qkv, 0), K: tail(qkv, d), V: tail(qkv, 2*d), Out: out, LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d,
		B: b.B, N: b.N, Heads: b.Heads, HeadDim: d / b.Heads, KeyQ: b.Key, LSE: lse,
	}
}

// forward adds the block to a program and returns its output and what backward
// needs.
func (b *Block) forward(r *gpu.Recorder, x *gpu.Tensor) (*gpu.Tensor, *saved) {
	n, d, f := b.rows(), b.Width, b.Hidden
	t := func(shape ...int) *gpu.Tensor { return r.Temp(tensor.F32, shape...) }
	s := &saved{
		x: x, rstd1: t(n), h1: t(n, d), qkv: t(n, 3*d), lse: t(b.B, b.Heads, b.N), a: t(n, d),
		mid: t(n, d), rstd2: t(n), h2: t(n, d), u: t(n, 2*f), s: t(n, f),
	}
	norm.RMS(r, norm.RMSArgs{X: x, Gain: b.param("attention_norm.weight"), Out: s.h1, RStd: s.rstd1, Eps: normEps})
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: s.h1, B: b.param("attention.qkv.weight"), C: s.qkv})
	b.qk(r, s.qkv, false)
	attention.Forward(r, b.attend(s.qkv, s.a, s.lse))
	r.Copy(s.mid, x)
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: s.a, B: b.param("attention.out.weight"), C: s.mid, Add: true})

	norm.RMS(r, norm.RMSArgs{X: s.mid, Gain: b.param("mlp_norm.weight"), Out: s.h2, RStd: s.rstd2, Eps: normEps})
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: s.h2, B: b.param("mlp.gate_up.weight"), C: s.u})
	activation.SwiGLU(r, activation.SwiGLUArgs{X: s.u, Out: s.s})
	y := t(n, d)
	r.Copy(y, s.mid)
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: s.s, B: b.param("mlp.down.weight"), C: y, Add: true})
	return y, s
}

// linearGrad adds the gradients of y = x·wᵀ: dx (if wanted) and w's gradient.
func linearGrad(r *gpu.Recorder, x, w, dy, dx, dw *gpu.Tensor) {
	if dx != nil {
		matmul.Record(r, matmul.Args{Layout: matmul.NN, A: dy, B: w, C: dx})
	}
	matmul.Record(r, matmul.Args{Layout: matmul.TN, A: dy, B: x, C: dw, Add: true})
}

// backward turns dx, the gradient of the block's output, into that of its input,
// in place, and adds the parameters' gradients.
func (b *Block) backward(r *gpu.Recorder, s *saved, dx *gpu.Tensor) {
	n, d, f := b.rows(), b.Width, b.Hidden
	t := func(shape ...int) *gpu.Tensor { return r.Temp(tensor.F32, shape...) }
	ds, du, dh2 := t(n, f), t(n, 2*f), t(n, d)
	linearGrad(r, s.s, b.param("mlp.down.weight"), dx, ds, b.grad("mlp.down.weight"))
	activation.SwiGLUGrad(r, activation.SwiGLUGradArgs{X: s.u, DOut: ds, DX: du})
	linearGrad(r, s.h2, b.param("mlp.gate_up.weight"), du, dh2, b.grad("mlp.gate_up.weight"))
	norm.RMSGrad(r, norm.RMSGradArgs{
		X: s.mid, Gain: b.param("mlp_norm.weight"), RStd: s.rstd2, DOut: dh2, DX: dx, AddDX: true, DGain: b.grad("mlp_norm.weight"),
	})

	da, dqkv, dh1 := t(n, d), t(n, 3*d), t(n, d)
	linearGrad(r, s.a, b.param("attention.out.weight"), dx, da, b.grad("attention.out.weight"))
	attention.Backward(r, attention.BackwardArgs{
		Args: b.attend(s.qkv, s.a, s.lse), DOut: da,
		DQ: tail(dqkv, 0), DK: tail(dqkv, d), DV: tail(dqkv, 2*d), LDDQ: 3 * d, LDDK: 3 * d, LDDV: 3 * d,
	})
	b.qk(r, dqkv, true)
	linearGrad(r, s.h1, b.param("attention.qkv.weight"), dqkv, dh1, b.grad("attention.qkv.weight"))
	norm.RMSGrad(r, norm.RMSGradArgs{
		X: s.x, Gain: b.param("attention_norm.weight"), RStd: s.rstd1, DOut: dh1, DX: dx, AddDX: true, DGain: b.grad("attention_norm.weight"),
	})
}

// Stack adds blocks one after the other and returns the output and a function
// that adds their backward pass in place on the gradient it is given.
func Stack(r *gpu.Recorder, blocks []*Block, x *gpu.Tensor) (*gpu.Tensor, func(dx *gpu.Tensor)) {
	list := make([]*saved, len(blocks))
	for i, b := range blocks {
		x, list[i] = b.forward(r, x)
	}
	return x, func(dx *gpu.Tensor) {
		for i := len(blocks) - 1; i >= 0; i-- {
			blocks[i].backward(r, list[i], dx)
		}
	}
}

// Linear adds y = x·wᵀ + bias to a program.
func Linear(r *gpu.Recorder, x, w, bias, y *gpu.Tensor) {
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: x, B: w, C: y, Bias: bias})
}

// LinearGrad adds the gradients of [Linear]; dx and dbias may be nil.
func LinearGrad(r *gpu.Recorder, x, w, dy, dx, dw, dbias *gpu.Tensor) {
	linearGrad(r, x, w, dy, dx, dw)
	if dbias != nil {
		elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: dy, Out: dbias, Add: true})
	}
}
