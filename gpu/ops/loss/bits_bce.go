package loss

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// BitsBCEArgs are the operands of BitsBCE.
type BitsBCEArgs struct {
	Logits  *gpu.Tensor // f32 [n, bits]
	Targets *gpu.Tensor // u32 [n, words], words = ceil(bits/32): bit i is bit i%32 of word i/32
	Weight  *gpu.Tensor // f32 [n], optional, 1 if nil; 0 ignores the row
	Loss    *gpu.Tensor // f32 [n], sum over bits, in nats, unweighted; 0 where the weight is 0
	DLogits *gpu.Tensor // f32 [n, bits], optional; may be Logits
}

// BitsBCE adds the sum of binary cross-entropies of independent bits, and its
// gradient, to a program. With x = Logits[i, c] and t the target's bit c,
//
//	Loss[i] = Σ_c max(x, 0) − x·t + ln(1 + exp(−|x|))
//	DLogits[i, c] = Weight[i] · (sigmoid(x) − t)
//
// which overflows for no finite x. A row of weight 0 has loss 0 and gradient 0
// whatever its logits are. Target bits from bits on are not looked at. A row's
// bits do not depend on the other rows. Errors wrap [gpu.ErrShape].
func BitsBCE(r *gpu.Recorder, a BitsBCEArgs) {
	const where = "loss.BitsBCE"
	n, bits, err := launch.Matrix(where, "Logits", a.Logits)
	words := (bits + 31) / 32
	if err == nil {
		err = launch.Check(where,
			launch.U32("Targets", a.Targets, n*words), launch.Optional(launch.F32("Weight", a.Weight, n)),
			launch.F32("Loss", a.Loss, n), launch.Optional(launch.F32("DLogits", a.DLogits, n*bits)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "loss", "bits_bce", launch.Flag(a.Weight != nil), launch.Flag(a.DLogits != nil)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Logits, a.Targets, a.Weight},
		Out:    []*gpu.Tensor{a.Loss, a.DLogits},
		Params: []uint32{uint32(n), uint32(bits), uint32(words)},
		Work:   launch.Work(n*bits*flops(a.DLogits), a.Logits, a.Targets, a.Weight, a.Loss, a.DLogits),
	})
}
