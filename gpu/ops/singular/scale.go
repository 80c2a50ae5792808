package singular

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// MaxColumns bounds the columns of a matrix.
const MaxColumns = 256

// Args are the operands of [Scale].
type Args struct {
	X        *gpu.Tensor // f32 [b·n, d]
	B        int         // matrices
	Strength float32     // below 0 softens the largest directions, above 0 amplifies them
	Out      *gpu.Tensor // f32 [b·n, d]
}

// Scale adds to a program the matrices X = U·S·Vᵀ with other singular values:
//
//	out = U·S·exp(strength·S/s)·Vᵀ = X·V·exp(strength·S/s)·Vᵀ
//
// where s is the largest value of a matrix. V comes from XᵀX, by cyclic Jacobi rotations in
// f32, of every pair of columns a fixed number of times. So a matrix's bits do not depend on others. With
// values down to 0 |error| <= 2⁻²⁴·(n + 64·d)·s·exp|strength|. A matrix of zeros stays. Out
// must not overlap X. Errors wrap [gpu.ErrShape].
//
// Source: rotations, Golub and Van Loan, "Matrix Computations", section 8.5; what they are for,
// Wang et al., "Diversity Has Always Been There in Your Visual Autoregressive Models", 2025,
// arXiv:2511.17074.
func Scale(r *gpu.Recorder, a Args) {
	const where = "singular.Scale"
	rows, d, err := launch.Matrix(where, "X", a.X)
	if err == nil && (a.B < 1 || rows%a.B != 0 || d > MaxColumns) {
		err = launch.Error(where, "%d rows of %d columns in %d matrices", rows, d, a.B)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("Out", a.Out, rows*d))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	work := r.Temp(tensor.F32, a.B, 3*d*d) // the product, V, and the map of rows
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "singular", "scale", sweeps), Grid: gpu.Linear(a.B),
		In: []*gpu.Tensor{a.X}, Out: []*gpu.Tensor{a.Out, work},
		Params: []uint32{uint32(a.B), uint32(rows / a.B), uint32(d), gpu.F32Param(a.Strength)},
		Work:   launch.Work(4*rows*d*d+sweeps*6*a.B*d*d*d, a.X, a.Out, work),
	})
}

// sweeps is how often the kernel rotates every pair of columns.
const sweeps = 12
