package matmul

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
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

// fewRows is the most rows that few multiplies, which reads B once for 32 of them.
const fewRows = 128

// choose picks the kernel by shape and device class. Those for a GPU compute the same
// bits, and so does outer whatever its walk.
func choose(a *Args, dev *gpu.Device, onCPU bool) kernel {
	width := dev.SubgroupWidth()
	if !onCPU {
		return chooseGPU(a, uint32(256/width))
	}
	o := outer(a, width, dev.FewRegisters())
	spec := []uint32{
		uint32(o.rows), uint32(o.vectors), uint32(o.together), uint32(o.step), uint32(o.unroll),
		uint32(o.side), launch.Flag(o.phases), uint32(o.band),
	}
	name := "outer"
	if a.B.DType == tensor.F16 {
		name = launch.Types16(dev.Info(), name)
	}
	return kernel{name, spec, o.rows, o.vectors * width}
}

// chooseGPU picks the kernel for a GPU, of so many subgroups a workgroup.
func chooseGPU(a *Args, subgroups uint32) kernel {
	if a.Layout != NT || a.M > fewRows {
		k := tile(subgroups, 128)
		if g := k.grid(a); g[0]*g[1]*g[2] < 2*busy {
			k = tile(subgroups, 64)
		}
		return k
	}
	// Smaller tiles read their operands more often, and occupy the device sooner.
	k := few(subgroups, 32, 32)
	for _, smaller := range []kernel{few(subgroups, 8, 32), few(subgroups, 8, 8)} {
		if g := k.grid(a); g[0]*g[1]*g[2] < 2*busy || a.M <= 8 {
			k = smaller
		}
	}
	return k
}

// few is the kernel few with a tile of so many rows and columns.
func few(subgroups uint32, rows, cols int) kernel {
	return kernel{"few", []uint32{subgroups, uint32(cols), uint32(rows)}, rows, cols}
}

// tile is the kernel tile with so many rows.
func tile(subgroups uint32, rows int) kernel {
	return kernel{"tile", []uint32{subgroups, uint32(rows)}, rows, 64}
}

// Kernels names the kernels that products take on a device, for people.
func Kernels(d gpu.Info) string {
	if !d.OnCPU() {
		return fmt.Sprintf("few up to %d rows, tile above", fewRows)
	}
	text := "outer"
	if name := launch.Types16(d, text); name != text {
		text += ", for f16 " + name
	}
	return text
}

// parted reports whether words are split at once (words in product.glsl). With 32
// registers it pays if a vector is half as long as the words and there are enough rows.
// With 16 it pays where halves are converted, which the compiler otherwise takes out of 64
// bits one by one.
func parted(a *Args, dev *gpu.Device, rows int) bool {
	if dev.FewRegisters() && !a.quantized() {
		return half(a.B) || rows == 8
	}
	return dev.SubgroupWidth() == 8 && rows > 4
}

// flags are the bits of product.glsl's FLAGS. On lavapipe the stack is aligned.
func flags(dev *gpu.Device, a *Args, k kernel, split bool) uint32 {
	var f uint32
	for i, on := range []bool{
		a.Bias != nil, a.Add, a.Gated, a.NormEps > 0, split, half(a.A), half(a.C),
		dev.OnCPU() && parted(a, dev, k.rows), dev.OnCPU(),
	} {
		f |= launch.Flag(on) << i
	}
	return f
}

// rows picks the tile height: the tallest that wastes less than half its rows. Two rows of
// floats take a tile of four: it reads B once, and two tiles of one row take up to 1.8 times
// as long (docs/benchmarks/matmul.md).
func rows(a *Args) int {
	tiles := []int{32, 16, 8, 4, 1}
	switch {
	case a.Layout != NT:
		tiles = []int{32, 8}
	case a.quantized():
		tiles = tiles[1:]
	}
	for _, tm := range tiles {
		if a.M > tm/2 || a.M == 2 && tm == 4 && !a.quantized() {
			return tm
		}
	}
	return tiles[len(tiles)-1]
}

// walk is how outer.comp walks a tile.
type walk struct {
	rows, vectors int  // the tile, in rows and vectors of columns
	together      int  // vectors of columns loaded and multiplied together
	step          int  // steps of k loaded before they are multiplied
	unroll        int  // steps times this make the body of the loop over k
	side          int  // rows multiplied side by side, which hides the latency of one sum
	phases        bool // loads and products are kept apart, which spares registers
	band          int  // rows of tiles that pass over a column of tiles together
}

// outer returns the walk over a tile, by the processor's registers (see
// [gpu.Device.FewRegisters]).
func outer(a *Args, width int, few bool) walk {
	o := outerMany(a.B.DType, rows(a), width)
	if few && !a.quantized() {
		o = outerFew(a.B.DType, o, fits6(a, width))
	}
	if a.Layout != NT && half(a.B) {
		o.together = o.vectors // a load of 16 bits takes four columns
	}
	return o
}

// outerMany are the walks for 32 registers. Measured on two cores of a Xeon of 2.9 GHz
// (Sapphire Rapids) with Mesa 25.0.7's lavapipe; docs/benchmarks/matmul.md has the
// figures. A step of 64 bytes a row lets few rows meet a cache line's worth at a
// time, where the rows' stride is a power of two and the first cache has 12 ways.
// 16 lanes have twice the registers of 8, and no use for phases in tall tiles.
func outerMany(t tensor.DType, rows, width int) walk {
	few := width < 16 // registers
	line := 16
	switch t {
	case tensor.I8, tensor.I4x2: // a body takes one group
		vectors := map[int]int{1: 8, 4: 4, 8: 4, 16: 2}[rows]
		switch {
		case few && rows >= 8:
			return walk{rows, vectors, vectors, Group, 1, 2, true, 1}
		case t == tensor.I8:
			return walk{rows, vectors, vectors, 8, Group / 8, 1, false, 1}
		case rows == 16:
			return walk{rows, vectors, vectors, 16, Group / 16, 2, false, 1}
		}
		return walk{rows, vectors, vectors, 16, Group / 16, 1, false, 1}
	case tensor.F16, tensor.BF16:
		line = 32
	}
	switch rows {
	case 1:
		return walk{1, 4, 1, line, 1, 1, false, 1}
	case 4:
		return walk{4, 4, 2, line, 1, 1, false, 1}
	case 8:
		return walk{8, 4, 4, 16, 1, 2, true, 1}
	case 16:
		return walk{16, 4, 4, 16, 1, 2, few, 1}
	}
	if few {
		return walk{32, 4, 4, 8, 1, 2, true, 4}
	}
	return walk{32, 4, 4, 8, 1, 4, false, 4}
}

// outerFew are the walks for 16 registers, where they differ from o. Measured on two
// cores of an AMD EPYC with AVX2 (Zen 4) with the same driver, whose gather there is a
// branch and five instructions a lane: the cache of decoded instructions is what tall
// tiles run out of, at a body of some 900 products of vectors. So a body takes fewer
// steps of more vectors. Six sums side by side hide the latency of adding, and leave
// the registers to them: rows of B are operands in memory.
func outerFew(t tensor.DType, o walk, six bool) walk {
	switch {
	case o.rows == 32 && six:
		return walk{32, 6, 6, 4, 1, 1, false, 4}
	case o.rows == 32 && t != tensor.BF16:
		return walk{32, 4, 4, 4, 1, 4, false, 4}
	case o.rows == 16 && six:
		return walk{16, 6, 6, 8, 1, 1, false, 1}
	case o.rows == 8 && t == tensor.F16:
		o.phases = false
	case o.rows == 4 && t != tensor.F32, o.rows == 1 && t == tensor.F16:
		o.together = o.vectors
	}
	return o
}

// fits6 reports whether a tile may have six vectors of columns. A gate of 16 bits is
// written in pairs, and words of 16 bits come in fours. The unused columns must not be a
// quarter more than with four vectors.
func fits6(a *Args, width int) bool {
	if half(a.B) && (a.Layout != NT || a.Gated && half(a.C)) {
		return false
	}
	n := launch.Ceil(a.columns(), width)
	return 4*launch.Ceil(n, 6)*6 <= 5*launch.Ceil(n, 4)*4
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
