package loss

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// SoftmaxCEArgs are the operands of SoftmaxCE.
type SoftmaxCEArgs struct {
	Logits  *gpu.Tensor // f32 [n, v]
	Targets *gpu.Tensor // i32 [n]; a negative one is ignored
	Weight  *gpu.Tensor // f32 [n], optional: the row's share of the objective, 1 if nil
	Loss    *gpu.Tensor // f32 [n], in nats, unweighted
	DLogits *gpu.Tensor // f32 [n, v], optional; may be Logits
}

// SoftmaxCE adds softmax cross-entropy and its gradient to a program:
//
//	Loss[i] = ln Σ_c exp(Logits[i, c]) − Logits[i, t],   t = Targets[i]
//	DLogits[i, c] = Weight[i] · (softmax(Logits[i])[c] − [c = t])
//
// An ignored row has loss 0 and gradient 0. A target of v or more has loss NaN
// and gradient NaN, so that the mistake shows. A row's bits do not depend on the
// other rows. Errors wrap [gpu.ErrShape] and come out of Finish.
func SoftmaxCE(r *gpu.Recorder, a SoftmaxCEArgs) {
	const where = "loss.SoftmaxCE"
	n, v, err := launch.Matrix(where, "Logits", a.Logits)
	if err == nil {
		err = launch.Check(where,
			launch.I32("Targets", a.Targets, n), launch.Optional(launch.F32("Weight", a.Weight, n)),
			launch.F32("Loss", a.Loss, n), launch.Optional(launch.F32("DLogits", a.DLogits, n*v)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "loss", "softmax_ce", launch.Flag(launch.Even(v)), launch.Flag(a.Weight != nil), launch.Flag(a.DLogits != nil)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Logits, a.Targets, a.Weight},
		Out:    []*gpu.Tensor{a.Loss, a.DLogits},
		Params: []uint32{uint32(n), uint32(v)},
		Work:   launch.Work(n*v*flops(a.DLogits), a.Logits, a.Targets, a.Weight, a.Loss, a.DLogits),
	})
}

// flops are the floating-point operations for each logit, about: of the loss, and of
// the gradient where it is wanted.
func flops(gradient *gpu.Tensor) int {
	if gradient == nil {
		return 4
	}
	return 8
}
