package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// fold adds the blocks [samples, blocks, d] of partial to the samples' rows of out.
func (v rows) fold(r *gpu.Recorder, partial, out *gpu.Tensor) {
	samples := v.n / v.per
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", "fold"),
		Grid:   [3]int{launch.Ceil(v.d, r.Device().SubgroupWidth()), samples, 1},
		In:     []*gpu.Tensor{partial},
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(partial.Rows() / samples), uint32(v.d), uint32(v.ldm)},
		Work:   launch.Work(partial.Elems(), partial, out, out),
	})
}

// AdaptiveArgs are the operands of [Adaptive].
type AdaptiveArgs struct {
	X            *gpu.Tensor // f32 [n, d]: B samples of n/B rows
	Scale, Shift *gpu.Tensor // f32 [B, d], rows LDMod apart; Shift is optional
	Out          *gpu.Tensor // f32 [n, d], may be X
	Mean, RStd   *gpu.Tensor // f32 [n], optional: what the gradient needs; no Mean with RMS
	RMS          bool        // unit root-mean-square instead of mean 0 and variance 1
	B            int
	LDMod        int     // 0 means d; 6·d for the parts of one layer's [B, 6·d]
	Eps          float32 // 0 means 1e-6
}

// Adaptive adds to a program rows normalized as by [Layer] or [RMS] and then
// modulated by what their sample's condition says:
//
//	out[r, c] = h[r, c]·(1 + scale[s, c]) + shift[s, c],  s = r/(n/B)
//
// where h is the normalized row. B = n modulates every row by itself. A row's bits
// do not depend on the other rows. If d and LDMod are even, X, Scale, Shift and Out
// must start at an even element of their allocation. Shape errors wrap
// [gpu.ErrShape] and come out of Finish.
//
// Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", 2022,
// arXiv:2212.09748, section 3.2.
func Adaptive(r *gpu.Recorder, a AdaptiveArgs) {
	const where = "norm.Adaptive"
	v, err := adaptive(where, a.X, a.Scale, a.B, a.LDMod)
	if err == nil {
		err = launch.Check(where, launch.F32("Out", a.Out, v.n*v.d), launch.Optional(v.mod("Shift", a.Shift)),
			launch.Optional(launch.F32("Mean", a.Mean, v.n)), launch.Optional(launch.F32("RStd", a.RStd, v.n)))
	}
	if err == nil && a.RMS && a.Mean != nil {
		err = launch.Error(where, "a mean with RMS")
	}
	if err != nil {
		r.Fail(err)
		return
	}
	forward{x: a.X, gain: a.Scale, bias: a.Shift, out: a.Out, mean: a.Mean, rstd: a.RStd, eps: a.Eps}.record(r, statistic(a.RMS), v)
}

// AdaptiveGradArgs are the operands of [AdaptiveGrad].
type AdaptiveGradArgs struct {
	X, Scale, Mean, RStd *gpu.Tensor // as given to, and written by, Adaptive
	DOut                 *gpu.Tensor // f32 [n, d]
	DX                   *gpu.Tensor // f32 [n, d], may be DOut unless AddDX; nil if not wanted
	AddDX                bool        // add to DX instead of overwriting it
	DScale, DShift       *gpu.Tensor // f32 [B, d], rows LDMod apart, accumulate; nil if not wanted
	RMS                  bool
	B, LDMod             int // as for Adaptive
}

// AdaptiveGrad adds to a program the gradients of [Adaptive]: DX as [LayerGrad] or
// [RMSGrad] have it with the gain 1 + scale, and
//
//	dscale[s, c] += Σ_{r of s} dout[r, c]·h[r, c]
//	dshift[s, c] += Σ_{r of s} dout[r, c]
//
// over blocks of max(64, m/64) of a sample's m rows and then over blocks, both in
// order. Alignment and errors are as for Adaptive.
func AdaptiveGrad(r *gpu.Recorder, a AdaptiveGradArgs) {
	const where = "norm.AdaptiveGrad"
	v, err := adaptive(where, a.X, a.Scale, a.B, a.LDMod)
	if err == nil {
		err = launch.Check(where, launch.F32("DOut", a.DOut, v.n*v.d), launch.Optional(launch.F32("DX", a.DX, v.n*v.d)), launch.F32("RStd", a.RStd, v.n),
			launch.Optional(v.mod("DScale", a.DScale)), launch.Optional(v.mod("DShift", a.DShift)))
	}
	if err == nil && !a.RMS {
		err = launch.Check(where, launch.F32("Mean", a.Mean, v.n))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	backward{a.X, a.Scale, a.Mean, a.RStd, a.DOut, a.DX, a.DScale, a.DShift, a.AddDX}.record(r, statistic(a.RMS), v)
}

// adaptive is the layout of x in b samples, modulated by tables like scale.
func adaptive(where string, x, scale *gpu.Tensor, b, ldm int) (rows, error) {
	v, err := layout(where, x, nil, 0, 0, 0, 0)
	if err != nil {
		return v, err
	}
	if v.ldm = ldm; ldm == 0 {
		v.ldm = v.d
	}
	if b < 1 || v.n%b != 0 || v.ldm < v.d {
		return v, launch.Error(where, "%d rows of %d in %d samples, modulated by rows %d apart", v.n, v.d, b, v.ldm)
	}
	v.per = v.n / b
	return v, launch.Check(where, launch.F32("X", x, v.n*v.d), v.mod("Scale or Gate", scale))
}

// mod demands a table of one row a sample.
func (v rows) mod(name string, t *gpu.Tensor) launch.Want {
	return launch.Rows(name, t, v.n/v.per, v.d, v.ldm)
}

func statistic(rms bool) string {
	if rms {
		return "rms"
	}
	return "layer"
}
