package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// BackwardArgs are Forward's operands and the gradients. DOut, DQ, DK and DV are
// laid out like Out, Q, K and V, with strides of their own (0 means no gap). DQ,
// DK and DV are overwritten and must overlap neither each other's elements nor
// the inputs.
type BackwardArgs struct {
	Args
	DOut, DQ, DK, DV       *gpu.Tensor
	LDDO, LDDQ, LDDK, LDDV int
}

// Backward adds the gradients of [Forward] to a program; Out and LSE hold what
// Forward left there:
//
//	P = exp(scale · Q·Kᵀ − LSE),  dS = scale·P∘(dO·Vᵀ − rowsum(dO∘Out))
//	dV = Pᵀ·dO,  dQ = dS·K,  dK = dSᵀ·Q
//
// summed over a group's heads of queries where they share keys. It computes the
// scores twice, once for DQ and once for DK and DV, so that each element has one
// owner and a fixed order of addition. It takes one temporary of LSE's size.
// Errors wrap [gpu.ErrShape].
//
// Source: Dao, "FlashAttention-2", 2023, arXiv:2307.08691, algorithm 2, in two
// passes instead of atomic additions.
func Backward(r *gpu.Recorder, a BackwardArgs) {
	a.defaults()
	if err := a.check("attention.Backward"); err != nil {
		r.Fail(err)
		return
	}
	d := r.Temp(tensor.F32, a.B, a.Heads, a.N)
	tile := a.backTile(r.Device())
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "queries", a.tiles(r.Device(), tile)...),
		Grid:   a.grid(tile, a.N, a.Heads),
		In:     []*gpu.Tensor{a.Q, a.K, a.V, a.DOut, a.Out, a.LSE, a.KeyQ, a.keysOrSpans()},
		Out:    []*gpu.Tensor{a.DQ, d},
		Params: append(a.extents(), uint32(a.LDDO), uint32(a.LDO), uint32(a.LDDQ), uint32(a.Window), gpu.F32Param(a.Scale)),
		Work:   a.work(3, a.rows(4), a.keys(2), a.LSE, d),
	})
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "keys", a.tiles(r.Device(), tile)...),
		Grid:   a.grid(tile, a.NK, a.KVHeads),
		In:     []*gpu.Tensor{a.Q, a.K, a.V, a.DOut, a.LSE, d, a.KeyQ, a.keysOrSpans()},
		Out:    []*gpu.Tensor{a.DK, a.DV},
		Params: append(a.extents(), uint32(a.LDDO), uint32(a.LDDK), uint32(a.LDDV), uint32(a.Window), gpu.F32Param(a.Scale)),
		Work:   a.work(4, a.rows(2), a.keys(4), a.LSE, d),
	})
}

func (a *BackwardArgs) defaults() {
	a.Args.defaults()
	orDefault(&a.LDDO, a.width())
	orDefault(&a.LDDQ, a.width())
	orDefault(&a.LDDK, a.kvWidth())
	orDefault(&a.LDDV, a.kvWidth())
}

func (a *BackwardArgs) check(where string) error {
	if err := a.Args.check(where); err != nil {
		return err
	}
	rows, keys := a.B*a.N, a.B*a.NK
	return first(
		matrix(where, "DOut", a.DOut, rows, a.width(), a.LDDO),
		matrix(where, "DQ", a.DQ, rows, a.width(), a.LDDQ),
		matrix(where, "DK", a.DK, keys, a.kvWidth(), a.LDDK),
		matrix(where, "DV", a.DV, keys, a.kvWidth(), a.LDDV),
	)
}
