package conv

import "github.com/morton-gen/morton/gpu"

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
	if err := a.operands("conv.Forward", a.X, a.W, a.Bias, a.Out); err != nil {
		r.Fail(err)
		return
	}
	a.forward(r, a.X, a.W, a.Bias, a.Out)
}
