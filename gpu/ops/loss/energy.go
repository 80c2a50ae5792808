package loss

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// EnergyArgs are the operands of Energy.
type EnergyArgs struct {
	A, B   *gpu.Tensor // f32 [n, c]: two samples for each target
	Target *gpu.Tensor // f32 [n, c]
	Weight *gpu.Tensor // f32 [n]; 0 ignores the row
	Loss   *gpu.Tensor // f32 [n], unweighted; 0 where the weight is 0
	DA, DB *gpu.Tensor // f32 [n, c], both or none; may be A and B
}

// Energy adds to a program the energy score of two samples, and its gradients:
//
//	Loss[i] = |A[i] − Target[i]| + |B[i] − Target[i]| − |A[i] − B[i]|
//
// Its mean is least where samples are distributed as targets are. DA and DB are the
// gradients times Weight[i]. A row's bits do not depend on the other rows. Errors wrap
// [gpu.ErrShape].
//
// Source: Shao, Meng and Zhou, "Continuous Visual Autoregressive Generation via Score
// Maximization", 2025, arXiv:2505.07812; Gneiting and Raftery, "Strictly Proper Scoring
// Rules, Prediction, and Estimation", 2007.
func Energy(r *gpu.Recorder, a EnergyArgs) {
	const where = "loss.Energy"
	n, c, err := launch.Matrix(where, "Target", a.Target)
	if err == nil {
		err = launch.Check(where, launch.F32("A", a.A, n*c), launch.F32("B", a.B, n*c), launch.F32("Target", a.Target, n*c), launch.F32("Weight", a.Weight, n),
			launch.F32("Loss", a.Loss, n), launch.Optional(launch.F32("DA", a.DA, n*c)), launch.Optional(launch.F32("DB", a.DB, n*c)))
	}
	if err == nil && (a.DA == nil) != (a.DB == nil) {
		err = launch.Error(where, "one gradient of two")
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "loss", "energy", launch.Flag(a.DA != nil)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.A, a.B, a.Target, a.Weight},
		Out:    []*gpu.Tensor{a.Loss, a.DA, a.DB},
		Params: []uint32{uint32(n), uint32(c)},
		Work:   launch.Work(2*n*c*flops(a.DA), a.A, a.B, a.Target, a.Weight, a.Loss, a.DA, a.DB),
	})
}
