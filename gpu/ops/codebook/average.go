package codebook

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// EMAArgs are the operands of [EMA].
type EMAArgs struct {
	X     *gpu.Tensor // f32 [n, d]
	IDs   *gpu.Tensor // i32 [n]: the code each row went to
	Count *gpu.Tensor // f32 [v], moves; starts as ones
	Sum   *gpu.Tensor // f32 [v, d], moves; starts as the codes
	Codes *gpu.Tensor // f32 [v, d], overwritten
	Decay float32     // 0.99 is usual
	Eps   float32     // what an empty code counts; 0 means 1e-5
}

// EMA adds to a program the update of a table by moving averages, in place of its
// gradient. With total = Σ count after the first line:
//
//	count[t] ← decay·count[t] + (1-decay)·|{r: ids[r] = t}|
//	sum[t] ← decay·sum[t] + (1-decay)·Σ_{r: ids[r] = t} x[r]
//	codes[t] = sum[t] / ((count[t] + eps)·total/(total + v·eps)), or as it was while total is 0
//
// Rows are added in order, without atomics: every code looks through all ids, which is
// as many comparisons as [Nearest] has products with d = 1. An id outside 0..v-1 moves
// nothing. For N rows of a code |error of sum| <= (N+4)·2⁻²⁴·Σ|terms|. If v is even,
// Count must start at an even element of its allocation. Shape errors wrap
// [gpu.ErrShape] and come out of Finish.
//
// Source: arXiv:1711.00937, appendix A.1; the smoothing of the counts is that of
// Razavi, van den Oord and Vinyals, "Generating Diverse High-Fidelity Images with
// VQ-VAE-2", 2019, arXiv:1906.00446, as its authors' library has it.
func EMA(r *gpu.Recorder, a EMAArgs) {
	const where = "codebook.EMA"
	n, d, err := launch.Matrix(where, "X", a.X)
	if err != nil {
		r.Fail(err)
		return
	}
	v, _, err := launch.Matrix(where, "Codes", a.Codes)
	if err == nil && (a.Decay < 0 || a.Decay > 1 || a.Eps < 0) {
		err = launch.Error(where, "decay %g, eps %g", a.Decay, a.Eps)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, n*d), launch.I32("IDs", a.IDs, n), launch.F32("Count", a.Count, v), launch.F32("Sum", a.Sum, v*d), launch.F32("Codes", a.Codes, v*d))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	if a.Eps == 0 {
		a.Eps = 1e-5
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "codebook", "average"), Grid: gpu.Linear(v),
		In: []*gpu.Tensor{a.X, a.IDs}, Out: []*gpu.Tensor{a.Count, a.Sum},
		Params: []uint32{uint32(n), uint32(d), uint32(v), gpu.F32Param(a.Decay)},
		Work:   launch.Work(n*d+3*v*(d+1), a.X, a.IDs, a.Count, a.Count, a.Sum, a.Sum),
	})
	total := r.Temp(tensor.F32, 1)
	elementwise.Sum(r, elementwise.SumArgs{X: a.Count, Out: total})
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "codebook", "settle"), Grid: gpu.Linear(v),
		In: []*gpu.Tensor{a.Count, a.Sum, total}, Out: []*gpu.Tensor{a.Codes},
		Params: []uint32{uint32(v), uint32(d), gpu.F32Param(a.Eps)},
		Work:   launch.Work(v*(d+4), a.Count, a.Sum, total, a.Codes),
	})
}
