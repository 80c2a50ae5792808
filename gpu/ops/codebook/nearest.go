package codebook

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// chunkBytes bounds the temporary that a block of rows' products take.
const chunkBytes = 8 << 20

// NearestArgs are the operands of [Nearest].
type NearestArgs struct {
	X      *gpu.Tensor // f32 [n, d], d even
	Codes  *gpu.Tensor // f32 [v, d]
	IDs    *gpu.Tensor // i32 [n]
	Cosine bool        // compare directions: as with X and Codes on the unit sphere
}

// Nearest adds to a program the nearest code of every row:
//
//	ids[r] = argmin_t |x[r] - codes[t]|² = argmax_t x[r]·codes[t] - |codes[t]|²/2
//	ids[r] = argmax_t x[r]·codes[t]/|codes[t]|   if Cosine; a code of zeros has 0
//
// and of equally near ones the lowest. What is compared errs by (d+4)·2⁻²⁴ times
// Σ|x·code| + |code|²: two codes that near each other may change places. Products are
// made for blocks of rows, in 8 MiB (or 32 rows, if those are more), so [n, v] never
// stands in memory; a row's id does not depend on the other rows. X and Codes must
// start at an even element of their allocation. Shape errors wrap [gpu.ErrShape] and
// come out of Finish.
func Nearest(r *gpu.Recorder, a NearestArgs) {
	const where = "codebook.Nearest"
	n, d, err := launch.Matrix(where, "X", a.X)
	if err != nil {
		r.Fail(err)
		return
	}
	v, _, err := launch.Matrix(where, "Codes", a.Codes)
	if err == nil && d%2 != 0 {
		err = launch.Error(where, "%d columns, an odd number", d)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, n*d), launch.F32("Codes", a.Codes, v*d), launch.I32("IDs", a.IDs, n))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	norms := r.Temp(tensor.F32, v)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "codebook", "norms", launch.Flag(a.Cosine)), Grid: gpu.Linear(v),
		In: []*gpu.Tensor{a.Codes}, Out: []*gpu.Tensor{norms}, Params: []uint32{uint32(v), uint32(d)},
		Work: launch.Work(2*v*d, a.Codes, norms),
	})
	height := min(max(chunkBytes/(4*v)&^31, 32), n)
	dots := r.Temp(tensor.F32, height, v)
	for first := 0; first < n; first += height {
		a.block(r, first, min(height, n-first), v, d, norms, dots)
	}
}

// block finds the ids of rows from first on.
func (a *NearestArgs) block(r *gpu.Recorder, first, rows, v, d int, norms, dots *gpu.Tensor) {
	x, codes, dots := a.X.View(first*d, rows, d), a.Codes.View(0, v, d), dots.View(0, rows, v)
	matmul.Record(r, matmul.Args{Layout: matmul.NT, A: x, B: codes, C: dots})
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "codebook", "nearest", launch.Flag(a.Cosine)), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{dots, norms}, Out: []*gpu.Tensor{a.IDs.View(first, rows)}, Params: []uint32{uint32(rows), uint32(v)},
		Work: launch.Work(rows*v, dots, norms, a.IDs.View(first, rows)),
	})
}
