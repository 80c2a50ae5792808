package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// BackwardArgs are Forward's operands and the gradients. DOut, DQ, DK and DV are
// laid out like Out, Q, K and V, with strides of their own (0 means d). DQ, DK
// and DV are overwritten and must overlap neither each other's elements nor the
// inputs. Out itself is not read and may be nil.
type BackwardArgs struct {
	Args
	DOut, DQ, DK, DV       *gpu.Tensor
	LDDO, LDDQ, LDDK, LDDV int
}

// Backward adds the gradients of [Forward] to a program; Probs holds what
// Forward left there:
//
//	dV = Pᵀ·dO,  dP = dO·Vᵀ,  dS = scale·P∘(dP − rowsum(dP∘P)),  dQ = dS·K,  dK = dSᵀ·Q
//
// It takes one temporary of the size of Probs. Errors wrap [gpu.ErrShape].
func Backward(r *gpu.Recorder, a BackwardArgs) {
	a.defaults()
	if err := a.check("attention.Backward"); err != nil {
		r.Fail(err)
		return
	}
	ds := r.Temp(tensor.F32, ProbsShape(a.B, a.Heads, a.N)...)
	do, p, s := a.rows(a.DOut, a.LDDO), a.square(a.Probs), a.square(ds)
	matmul.Record(r, a.product(matmul.TN, p, do, a.rows(a.DV, a.LDDV), a.HeadDim, a.N))
	matmul.Record(r, a.product(matmul.NT, do, a.rows(a.V, a.LDV), s, a.N, a.HeadDim))
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "softmax_back"),
		Grid:   gpu.Linear(a.B * a.Heads * a.N),
		In:     []*gpu.Tensor{a.Probs},
		Out:    []*gpu.Tensor{ds},
		Params: []uint32{uint32(a.B * a.Heads * a.N), uint32(a.N), gpu.F32Param(a.Scale)},
	})
	matmul.Record(r, a.product(matmul.NN, s, a.rows(a.K, a.LDK), a.rows(a.DQ, a.LDDQ), a.HeadDim, a.N))
	matmul.Record(r, a.product(matmul.TN, s, a.rows(a.Q, a.LDQ), a.rows(a.DK, a.LDDK), a.HeadDim, a.N))
}

func (a *BackwardArgs) defaults() {
	a.Args.defaults()
	for _, ld := range []*int{&a.LDDO, &a.LDDQ, &a.LDDK, &a.LDDV} {
		orDefault(ld, a.width())
	}
	if a.Out == nil {
		a.Out, a.LDO = a.DOut, a.LDDO
	}
}

func (a *BackwardArgs) check(where string) error {
	if err := a.Args.check(where); err != nil {
		return err
	}
	rows, d := a.B*a.N, a.width()
	return first(
		matrix(where, "DOut", a.DOut, rows, d, a.LDDO),
		matrix(where, "DQ", a.DQ, rows, d, a.LDDQ),
		matrix(where, "DK", a.DK, rows, d, a.LDDK),
		matrix(where, "DV", a.DV, rows, d, a.LDDV),
	)
}
