package matmul

import (
	"fmt"
	"os"

	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// weights are the types of B, by the number the kernels know them by.
var weights = map[tensor.DType]uint32{tensor.F32: 0, tensor.F16: 1, tensor.BF16: 2, tensor.I8: 3, tensor.I4x2: 4}

// kernel is a shader with its constants and the tile a workgroup computes, in
// rows and columns of the product.
type kernel struct {
	name       string
	spec       []uint32
	rows, cols int
}

// grid counts the tiles; of a gated product's columns C has half.
func (k kernel) grid(a *Args) [3]int {
	return [3]int{launch.Ceil(a.columns(), k.cols), launch.Ceil(a.M, k.rows), a.Batch}
}

// choose picks the kernel by shape and device class: every one computes the same
// bits.
func choose(a *Args, width int, onCPU bool) kernel {
	if !onCPU && a.M > 32 {
		return kernel{"tile", []uint32{uint32(256 / width)}, 64, 64}
	}
	o := outer(a.B.DType, rows(a, width))
	if a.Layout != NT && half(a.B) {
		o.together = o.vectors // a load of 16 bits takes four columns
	}
	if e := os.Getenv("MM"); e != "" {
		fmt.Sscan(e, &o.rows, &o.vectors, &o.together, &o.step, &o.unroll, &o.side, &o.phases, &o.band)
	}
	spec := []int{o.rows, o.vectors, o.together, o.step, o.unroll, o.side, o.phases, o.band}
	k := kernel{"outer", nil, o.rows, o.vectors * width}
	for _, c := range spec {
		k.spec = append(k.spec, uint32(c))
	}
	return k
}

// rows picks the tile height: the tallest that does not waste half its rows.
// 768³ with 32 and with 16 rows, on the machine of outer: NT 48 and 53 GFLOP/s at
// width 8, 81 and 73 at 16; NN and TN 48 and 46, 89 and 78.
func rows(a *Args, width int) int {
	tiles := []int{32, 16, 8, 4, 1}
	switch {
	case a.Layout != NT:
		tiles = []int{32, 8}
	case a.quantized() || width < 16:
		tiles = tiles[1:]
	}
	for _, tm := range tiles {
		if a.M > tm/2 {
			return tm
		}
	}
	return tiles[len(tiles)-1]
}

// walk is how outer.comp walks a tile: its rows, its vectors of columns and
// how many of them at once, the steps of k loaded at a time and how often the
// loop over k unrolls those.
type walk struct{ rows, vectors, together, step, unroll, side, phases, band int }

// outer returns the walk over a tile. Measured on two cores of a Xeon of 2.9 GHz
// (Sapphire Rapids) with Mesa 25.0.7's lavapipe; docs/benchmarks/matmul.md has the
// figures. A step of 64 bytes a row lets few rows meet a cache line's worth at a
// time, where the rows' stride is a power of two and the first cache has 12 ways.
func outer(t tensor.DType, rows int) walk {
	switch t {
	case tensor.I8, tensor.I4x2: // a body takes one group
		step := 8
		if t == tensor.I4x2 {
			step = 16
		}
		vectors := map[int]int{1: 8, 4: 4, 8: 4, 16: 2}[rows]
		return walk{rows, vectors, vectors, step, Group / step, 1, 0, 1}
	}
	line := 16
	if t != tensor.F32 {
		line = 32
	}
	switch rows {
	case 1:
		return walk{1, 4, 1, line, 1, 1, 0, 1}
	case 4, 8:
		return walk{rows, 4, 2, line, 1, 1, 0, 1}
	case 16:
		return walk{16, 4, 4, 16, 1, 1, 0, 1}
	}
	return walk{32, 4, 4, 8, 1, 4, 1, 4}
}

// busy is the number of workgroups that occupy a GPU.
const busy = 128

// splits is the number of parts k is cut into, for a long k and an output too
// small to keep the device busy: a function of the shape and the kind of device.
func splits(a *Args, k kernel, onCPU bool) int {
	if a.Layout != TN || a.Batch > 1 || a.Act != NoAct {
		return 1
	}
	const leastK = 256
	want, g := busy, k.grid(a)
	if onCPU {
		want = 4 // lavapipe deals workgroups out to two threads or more beforehand
	}
	return max(1, min(launch.Ceil(want, g[0]*g[1]), a.K/leastK, 32))
}
