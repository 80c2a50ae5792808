package embed

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// SumArgs are the operands of [Sum].
type SumArgs struct {
	Table *gpu.Tensor // f32 [v, d]
	IDs   *gpu.Tensor // i32 [n, k]
	Out   *gpu.Tensor // f32 [n, d]
	Add   bool        // add to Out instead of overwriting it
}

// Sum adds to a program the sum of k table rows for each row:
//
//	out[r, c] = Σ_j table[ids[r, j], c] (+ out[r, c] if Add)
//
// An id outside 0..v-1 contributes nothing, so -1 serves as padding. Out must
// not overlap Table. If d is even, Table and Out must start at an even element
// of their allocation. The sum runs in the order of j in f32, so |error| <=
// k·2⁻²⁴·Σ|terms|; a row's bits do not depend on the other rows.
//
// Shape errors wrap [gpu.ErrShape] and come out of the recorder's Finish.
func Sum(r *gpu.Recorder, a SumArgs) {
	n, d, v, k, err := a.shape()
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "embed", "sum", launch.Flag(launch.Even(d)), launch.Flag(a.Add)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Table, a.IDs},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n), uint32(d), uint32(k), uint32(v)},
		Work:   picked(n*k*d, a.IDs, a.Out, launch.Again(a.Add, a.Out)),
	})
}

func (a *SumArgs) shape() (n, d, v, k int, err error) {
	const where = "embed.Sum"
	if a.Table == nil || a.IDs == nil || a.Out == nil {
		return 0, 0, 0, 0, launch.Error(where, "an operand is nil")
	}
	n, d, v = a.Out.Rows(), a.Out.Dim(-1), a.Table.Rows()
	k = a.IDs.Elems() / n
	if a.Table.Dim(-1) != d || k < 1 {
		return 0, 0, 0, 0, launch.Error(where, "table %v, ids %v, out %v", a.Table.Shape, a.IDs.Shape, a.Out.Shape)
	}
	err = launch.Check(where, launch.F32("Table", a.Table, v*d), launch.I32("IDs", a.IDs, n*k), launch.F32("Out", a.Out, n*d))
	return n, d, v, k, err
}

// picked is the work of adding up so many elements picked out of a matrix, and of
// moving the rest.
func picked(elems int, rest ...*gpu.Tensor) gpu.Work {
	w := launch.Work(elems, rest...)
	w.Bytes += int64(4 * elems)
	return w
}
