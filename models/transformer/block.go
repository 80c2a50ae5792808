package transformer

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/tape"
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

func (b *Block) param(name string) *tape.Value { return b.Store.Value(b.Prefix + name) }

// record adds the block to a tape.
func (b *Block) record(t *tape.Tape, x *tape.Value) *tape.Value {
	dh := b.Width / b.Heads
	qkv := t.Linear(t.RMS(x, b.param("attention_norm.weight"), normEps), tape.LinearArgs{W: b.param("attention.qkv.weight"), Round: true})
	t.Rotate(qkv, rope.Args{
		N: b.B * b.N, Heads: 2 * b.Heads, HeadDim: dh, LDX: 3 * b.Width, LDOut: 3 * b.Width,
		Pos: b.Axes, Axes: b.Rope.Axes, Freq: b.Rope.Freq, Axis: b.Rope.Axis,
	})
	a := t.SelfAttention(qkv, tape.SelfAttentionArgs{B: b.B, N: b.N, Heads: b.Heads, HeadDim: dh, Key: b.Key})
	x = t.Linear(a, tape.LinearArgs{W: b.param("attention.out.weight"), Residual: x})
	u := t.Linear(t.RMS(x, b.param("mlp_norm.weight"), normEps), tape.LinearArgs{W: b.param("mlp.gate_up.weight"), Round: true})
	return t.Linear(t.SwiGLU(u), tape.LinearArgs{W: b.param("mlp.down.weight"), Residual: x})
}

// Stack adds blocks one after the other to a tape. With recompute only their
// inputs outlive the forward pass.
func Stack(t *tape.Tape, blocks []*Block, x *tape.Value, recompute bool) *tape.Value {
	for _, b := range blocks {
		if recompute {
			x = t.Recompute(x, b.record)
		} else {
			x = b.record(t, x)
		}
	}
	return x
}
