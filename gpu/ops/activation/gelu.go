package activation

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// GELUArgs are the operands of [GELU].
type GELUArgs struct {
	X    *gpu.Tensor // f32 of any shape
	Out  *gpu.Tensor // f32, as many elements; may be X
	Tanh bool        // the approximation by tanh instead of the exact function
}

// GELU adds the Gaussian error linear unit to a program:
//
//	out = x·Φ(x), Φ(x) = (1 + erf(x/√2))/2
//	out = x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2   if Tanh
//
// erf is Abramowitz and Stegun's formula 7.1.26, off by less than 5·10⁻⁷ with its
// rounding, so |error| <= 3·10⁻⁷·|x|; with Tanh it is 10⁻⁶·|x|. If the number of
// elements is even, the tensors must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016,
// arXiv:1606.08415.
func GELU(r *gpu.Recorder, a GELUArgs) { flat(r, "gelu", []*gpu.Tensor{a.X}, a.Out, a.Tanh) }

// GELUGradArgs are the operands of [GELUGrad].
type GELUGradArgs struct {
	X, DOut *gpu.Tensor // f32, as many elements each
	DX      *gpu.Tensor // f32, may be X or DOut
	Tanh    bool        // as given to GELU
}

// GELUGrad adds the gradient of [GELU] to a program; it overwrites DX:
//
//	dx = dout·(Φ(x) + x·φ(x)), φ the normal density
//
// or the derivative of the approximation if Tanh. Its error is at most 10⁻⁶·|dout|
// (2·10⁻⁶ with Tanh). Alignment and errors are as for GELU.
func GELUGrad(r *gpu.Recorder, a GELUGradArgs) {
	flat(r, "gelu_grad", []*gpu.Tensor{a.X, a.DOut}, a.DX, a.Tanh)
}

// flat records a kernel over as many elements of each operand; variant is its one
// constant.
func flat(r *gpu.Recorder, kernel string, in []*gpu.Tensor, out *gpu.Tensor, variant bool) {
	where := "activation." + kernel
	if out == nil {
		r.Fail(launch.Error(where, "Out or DX is nil"))
		return
	}
	n := out.Elems()
	wants := []launch.Want{launch.F32("Out or DX", out, n)}
	for _, t := range in {
		wants = append(wants, launch.F32("X or DOut", t, n))
	}
	if err := launch.Check(where, wants...); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "activation", kernel, launch.Flag(launch.Even(n)), launch.Flag(variant)),
		Grid:   gpu.Linear(launch.Ceil(n, 2*perLane*r.Device().SubgroupWidth())),
		In:     in,
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(n)},
		Work:   launch.Work(flops[kernel]*n, append(in, out)...),
	})
}
