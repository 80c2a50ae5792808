package activation

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// perLane is how many pairs of floats a lane takes: U in the kernels.
const perLane = 16

// flops are a kernel's floating-point operations for each element, about.
var flops = map[string]int{"swiglu": 6, "swiglu_grad": 11, "silu": 5, "silu_grad": 8, "gelu": 17, "gelu_grad": 24, "relu": 1}

// SwiGLUArgs are the operands of [SwiGLU].
type SwiGLUArgs struct {
	X   *gpu.Tensor // f32 [n, 2h]: gate in columns 0..h-1, up in h..2h-1
	Out *gpu.Tensor // f32 [n, h]
}

// SwiGLU adds the gated unit to a program:
//
//	out[r, c] = gate·σ(gate)·up,  gate = x[r, c], up = x[r, h+c]
//
// Out must not overlap X. Its relative error is at most (16 + 4|gate|)·2⁻²⁴. If h
// is even, X and Out must start at an even element of their allocation. Shape
// errors wrap [gpu.ErrShape] and come out of the recorder's Finish.
//
// Source: Shazeer, "GLU Variants Improve Transformer", 2020, arXiv:2002.05202.
func SwiGLU(r *gpu.Recorder, a SwiGLUArgs) {
	swiglu(r, "swiglu", a.X, []*gpu.Tensor{a.X}, a.Out, a.Out)
}

// SwiGLUGradArgs are the operands of [SwiGLUGrad].
type SwiGLUGradArgs struct {
	X    *gpu.Tensor // f32 [n, 2h]
	DOut *gpu.Tensor // f32 [n, h]
	DX   *gpu.Tensor // f32 [n, 2h], may be X
}

// SwiGLUGrad adds the gradient of [SwiGLU] to a program; it overwrites DX. With
// s = σ(gate):
//
//	dx[r, c]   = dout[r, c]·up·s·(1 + gate·(1 - s))
//	dx[r, h+c] = dout[r, c]·gate·s
//
// Alignment and errors are as for SwiGLU.
func SwiGLUGrad(r *gpu.Recorder, a SwiGLUGradArgs) {
	if a.X != nil {
		if err := launch.Check("activation.SwiGLUGrad", launch.F32("DX", a.DX, a.X.Elems())); err != nil {
			r.Fail(err)
			return
		}
	}
	swiglu(r, "swiglu_grad", a.X, []*gpu.Tensor{a.X, a.DOut}, a.DOut, a.DX)
}

// swiglu records either pass; narrow is the operand [n, h].
func swiglu(r *gpu.Recorder, kernel string, x *gpu.Tensor, in []*gpu.Tensor, narrow, out *gpu.Tensor) {
	where := "activation." + kernel
	if x == nil || x.Dim(-1)%2 != 0 {
		r.Fail(launch.Error(where, "X is nil or has an odd number of columns"))
		return
	}
	n, h := x.Rows(), x.Dim(-1)/2
	if err := launch.Check(where, launch.F32("X", x, n*2*h), launch.F32("Out or DOut", narrow, n*h)); err != nil {
		r.Fail(err)
		return
	}
	blocks := launch.Ceil(h, 2*perLane*r.Device().SubgroupWidth())
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "activation", kernel, launch.Flag(launch.Even(h))),
		Grid:   gpu.Linear(n * blocks),
		In:     in,
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(n), uint32(h), uint32(blocks)},
		Work:   launch.Work(flops[kernel]*n*h, append(in, out)...),
	})
}
