package loss

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// NoiseArgs are the operands of Noise.
type NoiseArgs struct {
	Said   *gpu.Tensor // f32 [n, c], or [n, 2c] with Bounds
	Target *gpu.Tensor // f32 [n, c]: the noise, or a velocity
	// Bounds, f32 [n, 3], are logarithms of the least and the largest variance of a step
	// back, and what turns the error of the noise into that of the step's mean, squared. Nil:
	// the network says no variance.
	Bounds *gpu.Tensor
	Weight *gpu.Tensor // f32 [n]; 0 ignores the row
	Loss   *gpu.Tensor // f32 [n], unweighted; 0 where the weight is 0
	DSaid  *gpu.Tensor // f32 like Said, optional; may be Said
}

// Noise adds to a program the loss of a network that says the noise in a token, and its
// gradient:
//
//	Loss[i] = mean_c (Said[i, c] − Target[i, c])²
//
// With Bounds lo, hi and k the second half v of what it says is where the logarithm of the
// variance lies, l = lo + (hi − lo)·(v + 1)/2. Then the divergence in bits of the step back
// from that with the true token is added, which teaches the variance alone:
//
//	mean_c (−1 + l − lo + exp(lo − l) + k·(Said[i, c] − Target[i, c])²·exp(−l)) / (2·ln 2)
//
// DSaid is the gradient times Weight[i]. A row's bits do not depend on the other rows.
// Errors wrap [gpu.ErrShape].
//
// Source: Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021,
// arXiv:2102.09672, equations 15 and 16.
func Noise(r *gpu.Recorder, a NoiseArgs) {
	const where = "loss.Noise"
	n, c, err := launch.Matrix(where, "Target", a.Target)
	kernel, width := "noise", c
	if a.Bounds != nil {
		kernel, width = "noise_variance", 2*c
	}
	if err == nil {
		err = launch.Check(where, launch.F32("Said", a.Said, n*width), launch.F32("Target", a.Target, n*c), launch.Optional(launch.F32("Bounds", a.Bounds, 3*n)),
			launch.F32("Weight", a.Weight, n), launch.F32("Loss", a.Loss, n), launch.Optional(launch.F32("DSaid", a.DSaid, n*width)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "loss", kernel, launch.Flag(a.DSaid != nil)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Said, a.Target, a.Bounds, a.Weight},
		Out:    []*gpu.Tensor{a.Loss, a.DSaid},
		Params: []uint32{uint32(n), uint32(c)},
		Work:   launch.Work(n*width*flops(a.DSaid), a.Said, a.Target, a.Bounds, a.Weight, a.Loss, a.DSaid),
	})
}
