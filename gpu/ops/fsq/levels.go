package fsq

import (
	"embed"
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// MaxDims is the largest number of coordinates of a code.
const MaxDims = 8

// margin keeps a bounded coordinate off the half level at either end: eps.
const margin = 1e-3

// Codes returns how many codes these levels make, their product; 0 if it passes 2³¹-1,
// if there are none or more than [MaxDims], or if one is below 2.
func Codes(levels []int) int {
	n := 1
	for _, l := range levels {
		if l < 2 || n > math.MaxInt32/l {
			return 0
		}
		n *= l
	}
	if len(levels) == 0 || len(levels) > MaxDims {
		return 0
	}
	return n
}

// shift is what puts z = 0 on a level: atanh(offset/half), and 0 for an odd number.
// Two levels have none between them; there 0 lies in the middle.
func shift(l int) float64 {
	if l%2 == 1 || l == 2 {
		return 0
	}
	return math.Atanh(0.5 / (float64(l-1) * (1 - margin) / 2))
}

// rows checks a matrix of rows of as many coordinates as there are levels.
func rows(where, name string, x *gpu.Tensor, levels []int) (n int, err error) {
	n, d, err := launch.Matrix(where, name, x)
	if err == nil && (Codes(levels) == 0 || d != len(levels)) {
		err = launch.Error(where, "%d coordinates with levels %v", d, levels)
	}
	return n, err
}

// params are n, d, more, and levels and shifts in eight words each, as kernels have them.
func params(n int, levels []int, more ...uint32) []uint32 {
	out := append([]uint32{uint32(n), uint32(len(levels))}, more...)
	words := make([]uint32, 2*MaxDims)
	for c, l := range levels {
		words[c], words[MaxDims+c] = uint32(l), gpu.F32Param(float32(shift(l)))
	}
	return append(out, words...)
}

// flops are a kernel's floating-point operations for each coordinate, about.
var flops = map[string]int{"quantize": 8, "expand": 2, "gradient": 10}

func record(r *gpu.Recorder, kernel string, n, d int, in, out []*gpu.Tensor, params []uint32) {
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "fsq", kernel),
		Grid:   gpu.Linear(launch.Ceil(n, r.Device().SubgroupWidth())),
		In:     in, Out: out, Params: params,
		Work: launch.Work(flops[kernel]*n*d, slices.Concat(in, out)...),
	})
}
