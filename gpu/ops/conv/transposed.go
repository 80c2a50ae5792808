package conv

import "github.com/morton-gen/morton/gpu"

// TransposedArgs are the operands of [Transposed]. Shape is that of the convolution
// whose adjoint it is: X has the size of its output, Out that of its input.
type TransposedArgs struct {
	Shape
	X    *gpu.Tensor // f32 [b, to, ho, wo, cout]
	W    *gpu.Tensor // f32 [cout, kt, kh, kw, cin]
	Bias *gpu.Tensor // f32 [cin], optional
	Out  *gpu.Tensor // f32 [b, t, h, w, cin]
}

// Transposed adds to a program the transposed convolution, [Grad]'s DX with a bias:
//
//	out[b, i, ci] = bias[ci] + Σ_{k, co} w[co, k, ci]·x[b, (i + pad - k)/stride, co]
//
// Order, alignment and errors are as for Grad and [Forward].
func Transposed(r *gpu.Recorder, a TransposedArgs) {
	if err := a.operands("conv.Transposed", true, a.X, a.W, a.Bias, a.Out); err != nil {
		r.Fail(err)
		return
	}
	a.adjoint(r, a.X, a.W, a.Bias, a.Out, false)
}

// TransposedGradArgs are the operands of [TransposedGrad].
type TransposedGradArgs struct {
	Shape
	X, W  *gpu.Tensor // as given to Transposed; X only for DW, W only for DX
	DOut  *gpu.Tensor // f32 [b, t, h, w, cin]
	DX    *gpu.Tensor // f32 [b, to, ho, wo, cout]; nil if not wanted
	AddDX bool        // add to DX instead of overwriting it
	DW    *gpu.Tensor // f32 [cout, kt, kh, kw, cin], accumulates; nil if not wanted
	DBias *gpu.Tensor // f32 [cin], accumulates; nil if not wanted
}

// TransposedGrad adds to a program the gradients of [Transposed]: DX is the
// convolution of DOut, and DW has the form [Grad] gives it with X and DOut
// exchanged. Order, alignment and errors are as for Grad.
func TransposedGrad(r *gpu.Recorder, a TransposedGradArgs) {
	if err := a.gradOperands("conv.TransposedGrad", true, a.X, a.W, a.DOut, a.DX, a.DW, a.DBias); err != nil {
		r.Fail(err)
		return
	}
	if a.DX != nil {
		a.forward(r, a.DOut, a.W, nil, a.DX, a.AddDX)
	}
	if a.DW != nil {
		a.weightGrad(r, a.DOut, a.X, a.DW)
	}
	if a.DBias != nil {
		biasGrad(r, a.DOut, a.DBias, a.Cin)
	}
}
