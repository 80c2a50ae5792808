package loss

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

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
	n, v, err := extents(where, a.Logits)
	if err == nil {
		err = check(where,
			want{"Targets", a.Targets, tensor.I32, n, false}, want{"Weight", a.Weight, tensor.F32, n, true},
			want{"Loss", a.Loss, tensor.F32, n, false}, want{"DLogits", a.DLogits, tensor.F32, n * v, true})
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: kernel(r, "softmax_ce", flag(v%2 == 0), flag(a.Weight != nil), flag(a.DLogits != nil)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Logits, a.Targets, a.Weight},
		Out:    []*gpu.Tensor{a.Loss, a.DLogits},
		Params: []uint32{uint32(n), uint32(v)},
	})
}
