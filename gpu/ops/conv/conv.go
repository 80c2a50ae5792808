package conv

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
)

// Args are the operands of [Forward].
type Args struct {
	Shape
	X    *gpu.Tensor // f32 [b, t, h, w, cin]
	W    *gpu.Tensor // f32 [cout, kt, kh, kw, cin]
	Bias *gpu.Tensor // f32 [cout], optional
	Out  *gpu.Tensor // f32 [b, to, ho, wo, cout]
}

// Forward adds a convolution to a program: with i the position o·stride + k - pad,
//
//	out[b, o, co] = bias[co] + Σ_{k, ci} w[co, k, ci]·x[b, i, ci]
//
// where x is zero outside, or its first frame before that with First. Out must not
// overlap X. The sum runs in the order of (k, ci) in f32, so |error| <=
// (taps·cin+2)·2⁻²⁴·Σ|w·x|, and a position's bits do not depend on the others. X and
// W must start at an even element of their allocation. Shape errors wrap
// [gpu.ErrShape] and come out of Finish.
func Forward(r *gpu.Recorder, a Args) {
	if err := a.operands("conv.Forward", false, a.X, a.W, a.Bias, a.Out); err != nil {
		r.Fail(err)
		return
	}
	a.forward(r, a.X, a.W, a.Bias, a.Out, false)
}

// GradArgs are the operands of [Grad].
type GradArgs struct {
	Shape
	X, W  *gpu.Tensor // as given to Forward; X only for DW, W only for DX
	DOut  *gpu.Tensor // f32 [b, to, ho, wo, cout]
	DX    *gpu.Tensor // f32 [b, t, h, w, cin]; nil if not wanted
	AddDX bool        // add to DX instead of overwriting it
	DW    *gpu.Tensor // f32 [cout, kt, kh, kw, cin], accumulates; nil if not wanted
	DBias *gpu.Tensor // f32 [cout], accumulates; nil if not wanted
}

// Grad adds to a program the gradients of [Forward]:
//
//	dx[b, i, ci] = Σ_{k, co} w[co, k, ci]·dout[b, (i + pad - k)/stride, co] (+ dx if AddDX)
//	dw[co, k, ci] += Σ_{b, o} dout[b, o, co]·x[b, o·stride + k - pad, ci]
//	dbias[co] += Σ_{b, o} dout[b, o, co]
//
// dx is gathered, where the quotients are whole, in the order of (k, co): with a
// stride of s along an axis only 1 in s of the products it makes counts. dw is
// summed in the order of (b, o). Alignment and errors are as for Forward.
func Grad(r *gpu.Recorder, a GradArgs) {
	if err := a.gradOperands("conv.Grad", false, a.X, a.W, a.DOut, a.DX, a.DW, a.DBias); err != nil {
		r.Fail(err)
		return
	}
	if a.DX != nil {
		a.adjoint(r, a.DOut, a.W, nil, a.DX, a.AddDX)
	}
	if a.DW != nil {
		a.weightGrad(r, a.X, a.DOut, a.DW)
	}
	if a.DBias != nil {
		biasGrad(r, a.DOut, a.DBias, a.Cout)
	}
}

// biasGrad adds the sum of each of dout's c channels to dbias.
func biasGrad(r *gpu.Recorder, dout, dbias *gpu.Tensor, c int) {
	elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: dout.View(0, dout.Elems()/c, c), Out: dbias, Add: true})
}
