package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// LayerArgs are the operands of [Layer].
type LayerArgs struct {
	X          *gpu.Tensor // f32 [n, d]
	Gain, Bias *gpu.Tensor // f32 [d], optional: nil is all ones, all zeros
	Out        *gpu.Tensor // f32 [n, d], may be X
	Mean, RStd *gpu.Tensor // f32 [n], optional: what the gradient needs
	Eps        float32     // 0 means 1e-6
}

// Layer adds to a program rows brought to mean 0 and variance 1:
//
//	out[r, c] = (x[r, c] - mean[r])·rstd[r]·gain[c] + bias[c]
//	rstd[r]   = 1/√(mean_c((x[r, c] - mean[r])²) + eps)
//
// The mean is taken first and then the squares of the differences, so a large
// common offset costs only its own rounding. A row's bits do not depend on the
// other rows. If d is even, X, Gain, Bias and Out must start at an even element
// of their allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Ba, Kiros and Hinton, "Layer Normalization", 2016, arXiv:1607.06450.
func Layer(r *gpu.Recorder, a LayerArgs) {
	const where = "norm.Layer"
	v, err := layout(where, a.X, a.Gain, 0, 0, 0, 0)
	if err == nil {
		err = launch.Check(where, v.at("X", a.X, v.ldx), v.at("Out", a.Out, v.ldo),
			launch.Optional(launch.F32("Gain", a.Gain, v.d)), launch.Optional(launch.F32("Bias", a.Bias, v.d)),
			launch.Optional(launch.F32("Mean", a.Mean, v.n)), launch.Optional(launch.F32("RStd", a.RStd, v.n)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	forward{x: a.X, gain: a.Gain, bias: a.Bias, out: a.Out, mean: a.Mean, rstd: a.RStd, eps: a.Eps}.record(r, "layer", v)
}

// LayerGradArgs are the operands of [LayerGrad].
type LayerGradArgs struct {
	X, Gain, Mean, RStd *gpu.Tensor // as given to, and written by, Layer
	DOut                *gpu.Tensor // f32 [n, d]
	DX                  *gpu.Tensor // f32 [n, d], may be DOut unless AddDX; nil if not wanted
	AddDX               bool        // add to DX instead of overwriting it
	DGain, DBias        *gpu.Tensor // f32 [d], accumulate; nil if not wanted
}

// LayerGrad adds to a program the gradients of [Layer]; with h = (x - mean)·rstd
// and g = gain·dout:
//
//	dx[r, c] = rstd[r]·(g - mean_c(g) - h·mean_c(g·h)) (+ dx[r, c] if AddDX)
//	dgain[c] += Σ_r dout[r, c]·h[r, c]
//	dbias[c] += Σ_r dout[r, c]
//
// Order of sums, alignment and errors are as for [RMSGrad].
func LayerGrad(r *gpu.Recorder, a LayerGradArgs) {
	const where = "norm.LayerGrad"
	v, err := layout(where, a.X, a.Gain, 0, 0, 0, 0)
	if err == nil {
		err = launch.Check(where, v.at("X", a.X, v.ldx), v.at("DOut", a.DOut, v.ldo), launch.Optional(v.at("DX", a.DX, v.ldx)),
			launch.F32("Mean", a.Mean, v.n), launch.F32("RStd", a.RStd, v.n), launch.Optional(launch.F32("Gain", a.Gain, v.d)),
			launch.Optional(launch.F32("DGain", a.DGain, v.d)), launch.Optional(launch.F32("DBias", a.DBias, v.d)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	backward{x: a.X, gain: a.Gain, mean: a.Mean, rstd: a.RStd, dout: a.DOut, dx: a.DX, dgain: a.DGain, dbias: a.DBias, add: a.AddDX}.record(r, "layer", v)
}
