package conv

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// elements is the number of products that make a tile of 2 by 2 positions, where a
// plain convolution takes 36.
const elements = 16

// WinogradArgs are the operands of [Winograd].
type WinogradArgs struct {
	Shape             // Kernel 1×3×3, Stride 1, no padding in time
	X     *gpu.Tensor // f32 [b, t, h, w, cin]
	W     *gpu.Tensor // f32 [16, cout, cin], by [WinogradWeights]
	Bias  *gpu.Tensor // f32 [cout], optional
	Out   *gpu.Tensor // f32 [b, t, ho, wo, cout]
	Add   bool        // add to Out instead of overwriting it
}

// Winograd adds the convolution of [Forward] to a program, for kernels of 3 by 3, with 16
// products for every 36. It transforms the kernels and tiles of 4 by 4 positions,
// multiplies them element by element over all channels, and transforms the result back to
// 2 by 2.
//
//	out = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A + bias
//
// The sums over channels run in order, in f32. With |·| taken of every matrix,
// |error| <= (cin+16)·2⁻²⁴·|Aᵀ|[(|G||w||Gᵀ|) ⊙ (|Bᵀ||x||B|)]|A|: some four times
// Forward's. A position's bits do not depend on the other positions' or samples'.
// Alignment and errors are as for Forward.
//
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015,
// arXiv:1509.09308, F(2×2, 3×3).
func Winograd(r *gpu.Recorder, a WinogradArgs) {
	if err := a.check("conv.Winograd"); err != nil {
		r.Fail(err)
		return
	}
	n := a.grid()
	all := a.B * a.T * n[0] * n[1]
	height := min(max(chunkBytes/(4*elements*max(a.Cin, a.Cout))&^31, 32), all)
	v, m := r.Temp(tensor.F32, elements*height, a.Cin), r.Temp(tensor.F32, elements*height, a.Cout)
	for first := 0; first < all; first += height {
		rows := min(height, all-first)
		a.tiles(r, first, rows, v.View(0, elements*rows, a.Cin), m.View(0, elements*rows, a.Cout))
	}
}

func (a *WinogradArgs) check(where string) error {
	if err := a.Shape.check(where); err != nil {
		return err
	}
	if a.Kernel != [3]int{1, 3, 3} || a.Stride != [3]int{1, 1, 1} || a.Pad[0] != [2]int{} {
		return launch.Error(where, "kernel %v, stride %v, padding %v in time", a.Kernel, a.Stride, a.Pad[0])
	}
	in, out := a.sides()
	return launch.Check(where, a.tensor("X", a.X, in), launch.F32("W", a.W, elements*a.Cout*a.Cin),
		launch.Optional(launch.F32("Bias", a.Bias, a.Cout)), a.tensor("Out", a.Out, out))
}

// grid is the tiles of a picture, down and across.
func (a *WinogradArgs) grid() [2]int {
	_, h, w := a.Shape.Out()
	return [2]int{launch.Ceil(h, 2), launch.Ceil(w, 2)}
}

// tiles records a block of tiles: v are their transformed positions, m the products.
func (a *WinogradArgs) tiles(r *gpu.Recorder, first, rows int, v, m *gpu.Tensor) {
	grid := a.grid()
	_, h, w := a.Shape.Out()
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "conv", "winograd_in"),
		Grid:   gpu.Linear(rows),
		In:     []*gpu.Tensor{a.X},
		Out:    []*gpu.Tensor{v},
		Params: append(pairs([2]int{a.H, a.Shape.W}, grid, [2]int{a.Pad[1][0], a.Pad[2][0]}, [2]int{first, rows}), uint32(a.Cin)),
		Work:   gpu.Work{Flops: int64(2 * v.Elems()), Bytes: int64(4 * (v.Elems() + v.Elems()/4))}, // each element of X at least once
	})
	matmul.Record(r, matmul.Args{
		Layout: matmul.NT, A: v, B: a.W, C: m, M: rows, N: a.Cout, K: a.Cin, LDB: a.Cin, Batch: elements,
		StrideA: [2]int{rows * a.Cin}, StrideB: [2]int{a.Cout * a.Cin}, StrideC: [2]int{rows * a.Cout},
	})
	moved := int64(4 * (m.Elems() + m.Elems()/4))
	if a.Add {
		moved += int64(m.Elems())
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "conv", "winograd_out", launch.Flag(a.Add)),
		Grid:   gpu.Linear(rows),
		In:     []*gpu.Tensor{m, a.Bias},
		Out:    []*gpu.Tensor{a.Out},
		Params: append(pairs([2]int{h, w}, grid, [2]int{first, rows}), uint32(a.Cout)),
		Work:   gpu.Work{Flops: int64(2 * m.Elems()), Bytes: moved},
	})
}

func pairs(v ...[2]int) []uint32 {
	var out []uint32
	for _, x := range v {
		out = append(out, uint32(x[0]), uint32(x[1]))
	}
	return out
}

// WinogradWeights transforms kernels [cout, 3, 3, cin], as [Forward] takes them, to the
// [16, cout, cin] that [Winograd] takes: G w Gᵀ for every pair of channels, computed in
// float64 and rounded once. It panics unless w has cout·9·cin elements: a broken
// invariant of the caller.
func WinogradWeights(w []float32, cout, cin int) []float32 {
	if len(w) != cout*9*cin {
		panic("conv.WinogradWeights: the kernels have another number of elements")
	}
	out := make([]float32, elements*cout*cin)
	for o := range cout {
		for i := range cin {
			var k [9]float64
			for t := range k {
				k[t] = float64(w[(o*9+t)*cin+i])
			}
			for e, x := range transformKernel(k) {
				out[(e*cout+o)*cin+i] = float32(x)
			}
		}
	}
	return out
}

// transformKernel is G k Gᵀ, with G = [1 0 0; ½ ½ ½; ½ -½ ½; 0 0 1].
func transformKernel(k [9]float64) (out [elements]float64) {
	var rows [12]float64 // G k, [4, 3]
	for x := range 3 {
		g := alongKernel(k[x], k[3+x], k[6+x])
		for y := range 4 {
			rows[3*y+x] = g[y]
		}
	}
	for y := range 4 {
		g := alongKernel(rows[3*y], rows[3*y+1], rows[3*y+2])
		copy(out[4*y:], g[:])
	}
	return out
}

// alongKernel is one axis of the transform.
func alongKernel(a, b, c float64) [4]float64 {
	return [4]float64{a, (a + b + c) / 2, (a - b + c) / 2, c}
}
