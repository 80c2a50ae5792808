package bsq

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// QuantizeGradArgs are the operands of QuantizeGrad. With u = z/|z|, code =
// sign(z)/√L and p[i, c] = sigmoid(2·Temperature·u[i, c]/√L), the chance that a
// soft quantiser sets bit c, the objective's own terms are
//
//	CommitWeight · 1/n Σ_i |u[i] − code[i]|²        pulls u to its code
//	EntropyWeight · 1/n Σ_i Σ_c H(p[i, c])          makes every bit sure of itself
//	− DiversityWeight · Σ_c H(mean_i p[i, c])       makes both values of a bit used
//
// where H is the binary entropy in nats and the code is held fixed.
type QuantizeGradArgs struct {
	Z     *gpu.Tensor // f32 [n, L]
	RNorm *gpu.Tensor // f32 [n], of Quantize
	DCode *gpu.Tensor // f32 [n, L]: gradient of the code; nil means 0
	DZ    *gpu.Tensor // f32 [n, L], overwritten; may be DCode or Z

	CommitWeight, EntropyWeight, DiversityWeight float32
	Temperature                                  float32 // 0 means 1
}

// QuantizeGrad adds to a program the straight-through gradient of [Quantize]:
// the sign passes gradients unchanged to u, the terms above are added there, and
// the normalisation turns the sum g into
//
//	DZ[i] = RNorm[i] · (g − u·(u·g)),   u = Z[i]·RNorm[i]
//
// A zero row gets 0. A DiversityWeight costs one temporary of L floats and a
// pass over Z, and then DZ depends on all rows; without it a row's bits are its
// own. Errors wrap [gpu.ErrShape].
//
// Source: arXiv:2406.07548 for the straight-through estimator and the entropy
// penalty, with the joint entropy of the code approximated by independent bits as
// there; the commitment term is van den Oord et al., "Neural Discrete
// Representation Learning", 2017, arXiv:1711.00937. OctGPT (arXiv:2504.09975) has
// EntropyWeight and DiversityWeight 1, Temperature 2 and no commitment.
func QuantizeGrad(r *gpu.Recorder, a QuantizeGradArgs) {
	const where = "bsq.QuantizeGrad"
	n, l, err := launch.Matrix(where, "Z", a.Z)
	if err == nil {
		err = launch.Check(where,
			launch.F32("RNorm", a.RNorm, n),
			launch.Optional(launch.F32("DCode", a.DCode, n*l)),
			launch.F32("DZ", a.DZ, n*l))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	slope := a.slope(l)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "bsq", "gradient"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Z, a.RNorm, a.DCode, a.means(r, n, l, slope)},
		Out:    []*gpu.Tensor{a.DZ},
		Work:   launch.Work(14*n*l, a.Z, a.RNorm, a.DCode, a.DZ),
		Params: []uint32{
			uint32(n), uint32(l), side(l), gpu.F32Param(slope), gpu.F32Param(2 * a.CommitWeight / float32(n)),
			gpu.F32Param(a.EntropyWeight / float32(n)), gpu.F32Param(a.DiversityWeight / float32(n)),
		},
	})
}

// slope is the factor of u in the soft quantiser's logit.
func (a *QuantizeGradArgs) slope(l int) float32 {
	t := a.Temperature
	if t == 0 {
		t = 1
	}
	return float32(2 * float64(t) / math.Sqrt(float64(l)))
}

// means records the mean of p over rows, [L]; nil if no term needs it.
func (a *QuantizeGradArgs) means(r *gpu.Recorder, n, l int, slope float32) *gpu.Tensor {
	if a.DiversityWeight == 0 {
		return nil
	}
	mean := r.Temp(tensor.F32, l)
	w := r.Device().SubgroupWidth()
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "bsq", "mean"),
		Grid:   gpu.Linear((l + w - 1) / w),
		In:     []*gpu.Tensor{a.Z, a.RNorm},
		Out:    []*gpu.Tensor{mean},
		Params: []uint32{uint32(n), uint32(l), gpu.F32Param(slope)},
		Work:   launch.Work(6*n*l, a.Z, a.RNorm, mean),
	})
	return mean
}
