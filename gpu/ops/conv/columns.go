package conv

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// chunkBytes bounds the temporary that gathered elements take. 2, 8 and 64 MiB are
// alike within the noise (lavapipe, 2 cores of a Xeon): 128 channels under 3×3 run at
// 36 to 37 GFLOP/s, where the matrix product alone does 41. That leaves too little
// for a kernel that gathers as it multiplies.
const chunkBytes = 8 << 20

// chunks calls body with blocks of positions of the output and what the taps see of
// source from there, as rows of a matrix [rows, taps·channels]. All blocks share one
// temporary.
func (s Shape) chunks(r *gpu.Recorder, source *gpu.Tensor, body func(first, rows int, cols *gpu.Tensor)) {
	from, at := s.sides()
	all, k := s.rows(at), s.taps()*from.c
	height := min(max(chunkBytes/(4*k)&^31, 32), all)
	cols := r.Temp(tensor.F32, height, k)
	for first := 0; first < all; first += height {
		rows := min(height, all-first)
		r.Dispatch(gpu.Call{
			Kernel: launch.Kernel(shaders, "conv", "columns", launch.Flag(s.First)),
			Grid:   gpu.Linear(rows),
			In:     []*gpu.Tensor{source},
			Out:    []*gpu.Tensor{cols},
			Params: append(words(at.n, from.n, s.Kernel, s.Stride, [3]int{s.Pad[0][0], s.Pad[1][0], s.Pad[2][0]}), uint32(first), uint32(rows), uint32(from.c)),
			Work:   gpu.Work{Bytes: int64(4 * rows * (from.c + k))}, // each element of the source at least once
		})
		body(first, rows, cols.View(0, rows, k))
	}
}

func words(v ...[3]int) []uint32 {
	var out []uint32
	for _, x := range v {
		out = append(out, uint32(x[0]), uint32(x[1]), uint32(x[2]))
	}
	return out
}

// forward records out = cols·wᵀ (+ bias), block by block.
func (s Shape) forward(r *gpu.Recorder, x, w, bias, out *gpu.Tensor) {
	s.chunks(r, x, func(first, rows int, cols *gpu.Tensor) {
		matmul.Record(r, matmul.Args{
			Layout: matmul.NT, A: cols, B: w.View(0, s.Cout, cols.Dim(-1)), C: out.View(first*s.Cout, rows, s.Cout), Bias: bias,
		})
	})
}
