package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// RMSArgs are the operands of [RMS].
type RMSArgs struct {
	X    *gpu.Tensor // f32 [n, d]
	Gain *gpu.Tensor // f32 [d], optional: nil is all ones
	Out  *gpu.Tensor // f32 [n, d], may be X
	RStd *gpu.Tensor // f32 [n], optional: what the gradient needs
	Eps  float32     // 0 means 1e-6

	// Inner rows lie side by side, and LDX and LDOut are the distances in
	// elements from one such group to the next. They default to one row, without
	// gaps. The heads of the queries in a [tokens, 3·heads·d] matrix are Inner =
	// heads, LDX = LDOut = 3·heads·d, with Gain [d].
	Inner, LDX, LDOut int
	N                 int // rows, all groups together; 0 means as many as X holds
}

// RMS adds to a program rows scaled to unit root-mean-square:
//
//	out[r, c] = x[r, c]·rstd[r]·gain[c],  rstd[r] = 1/√(mean_c(x[r, c]²) + eps)
//
// The sum over a row runs over W lanes and then a fixed tree, so a row's bits do
// not depend on the other rows; its relative error is at most (d/W + 24)·2⁻²⁴.
// If d and the strides are even, X, Gain and Out must start at an even element
// of their allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019,
// arXiv:1910.07467.
func RMS(r *gpu.Recorder, a RMSArgs) {
	const where = "norm.RMS"
	v, err := layout(where, a.X, a.Gain, a.N, a.Inner, a.LDX, a.LDOut)
	if err == nil {
		err = launch.Check(where, v.at("X", a.X, v.ldx), v.at("Out", a.Out, v.ldo),
			launch.Optional(launch.F32("Gain", a.Gain, v.d)), launch.Optional(launch.F32("RStd", a.RStd, v.n)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	forward{x: a.X, gain: a.Gain, out: a.Out, rstd: a.RStd, eps: a.Eps}.record(r, "rms", v)
}

// RMSGradArgs are the operands of [RMSGrad].
type RMSGradArgs struct {
	X, Gain, RStd *gpu.Tensor // as given to, and written by, RMS
	DOut          *gpu.Tensor // f32 [n, d]
	DX            *gpu.Tensor // f32 [n, d], may be DOut; nil if not wanted
	AddDX         bool        // add to DX instead of overwriting it
	DGain         *gpu.Tensor // f32 [d], accumulates; nil if not wanted

	Inner, LDX, LDOut int // as for RMS: LDX is X's and DX's, LDOut is DOut's
	N                 int
}

// RMSGrad adds to a program the gradients of [RMS]; with h = x·rstd, g = gain·dout:
//
//	dx[r, c] = rstd[r]·(g - h·mean_c(g·h)) (+ dx[r, c] if AddDX)
//	dgain[c] += Σ_r dout[r, c]·h[r, c]
//
// DGain is summed over blocks of max(64, n/64) rows and then over blocks, both
// in order. Alignment and errors are as for RMS. DX may be DOut only if LDX
// equals LDOut and AddDX is false.
func RMSGrad(r *gpu.Recorder, a RMSGradArgs) {
	const where = "norm.RMSGrad"
	v, err := layout(where, a.X, a.Gain, a.N, a.Inner, a.LDX, a.LDOut)
	if err == nil {
		err = launch.Check(where, v.at("X", a.X, v.ldx), v.at("DOut", a.DOut, v.ldo), launch.Optional(v.at("DX", a.DX, v.ldx)),
			launch.F32("RStd", a.RStd, v.n), launch.Optional(launch.F32("Gain", a.Gain, v.d)), launch.Optional(launch.F32("DGain", a.DGain, v.d)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	backward{x: a.X, gain: a.Gain, rstd: a.RStd, dout: a.DOut, dx: a.DX, dgain: a.DGain, add: a.AddDX}.record(r, "rms", v)
}
