package elementwise

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// ColumnSumArgs are the operands of [ColumnSum].
type ColumnSumArgs struct {
	X   *gpu.Tensor // f32 [n, d]
	Out *gpu.Tensor // f32 [d]
	Add bool        // add to Out instead of overwriting it
}

// ColumnSum adds the sum over rows to a program:
//
//	out[c] = Σ_r x[r, c] (+ out[c] if Add)
//
// Rows are summed in blocks of max(64, n/64), in order, then the blocks' sums,
// in order, all in f32: |error| <= (max(64, n/64) + 65)·2⁻²⁴·Σ|x|. Out must not
// overlap X. If d is even, X and Out must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func ColumnSum(r *gpu.Recorder, a ColumnSumArgs) {
	const where = "elementwise.ColumnSum"
	if a.X == nil || a.Out == nil {
		r.Fail(launch.Error(where, "an operand is nil"))
		return
	}
	n, d := a.X.Rows(), a.X.Dim(-1)
	if err := launch.Check(where, launch.F32("X", a.X, n*d), launch.F32("Out", a.Out, d)); err != nil {
		r.Fail(err)
		return
	}
	blocks, height := launch.Blocks(n)
	if blocks == 1 {
		columns(r, a.X, a.Out, 1, height, a.Add)
		return
	}
	partial := r.Temp(tensor.F32, blocks, d)
	columns(r, a.X, partial, blocks, height, false)
	columns(r, partial, a.Out, 1, blocks, a.Add)
}

func columns(r *gpu.Recorder, x, out *gpu.Tensor, blocks, height int, add bool) {
	n, d := x.Rows(), x.Dim(-1)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "elementwise", "columns", launch.Flag(launch.Even(d)), launch.Flag(add)),
		Grid:   [3]int{launch.Ceil(d, 4*r.Device().SubgroupWidth()), blocks, 1},
		In:     []*gpu.Tensor{x},
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(n), uint32(d), uint32(height)},
		Work:   launch.Work(n*d, x, out, launch.Again(add, out)),
	})
}
