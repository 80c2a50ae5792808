package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// MaxTopK is the largest k of [TopK], which passes over its input k times.
const MaxTopK = 64

// TopKArgs are the operands of [TopK]; at least one output is given.
type TopKArgs struct {
	X       *gpu.Tensor // f32 [n, v]
	K       int         // 1 to MaxTopK, at most v
	Values  *gpu.Tensor // f32 [n, K], optional
	Indices *gpu.Tensor // i32 [n, K], optional
}

// TopK adds to a program the K largest elements of each row, the largest first; of
// equal ones the lower index comes first. −0 lies below 0 and NaN above all. The values
// are exact and a row's do not depend on the other rows. Shape errors wrap
// [gpu.ErrShape] and come out of Finish.
func TopK(r *gpu.Recorder, a TopKArgs) {
	const where = "sample.TopK"
	n, v, err := launch.Matrix(where, "X", a.X)
	if err == nil && (a.K < 1 || a.K > min(v, MaxTopK) || a.Values == nil && a.Indices == nil) {
		err = launch.Error(where, "%d of %d, or no output", a.K, v)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, n*v), launch.Optional(launch.F32("Values", a.Values, n*a.K)), launch.Optional(launch.I32("Indices", a.Indices, n*a.K)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "topk"), Grid: gpu.Linear(n),
		In: []*gpu.Tensor{a.X}, Out: []*gpu.Tensor{a.Values, a.Indices},
		Params: []uint32{uint32(n), uint32(v), uint32(a.K)},
		Work:   launch.Work(0, a.X, a.Values, a.Indices),
	})
}
