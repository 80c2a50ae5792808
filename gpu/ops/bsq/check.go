package bsq

import (
	"embed"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

func words(l int) int { return (l + 31) / 32 }

// side is the size of a code's coordinates, 1/√L, as a kernel's parameter: host
// and device then agree on its bits.
func side(l int) uint32 { return gpu.F32Param(float32(1 / math.Sqrt(float64(l)))) }

// want is one operand's type and size.
type want struct {
	name     string
	t        *gpu.Tensor
	dt       tensor.DType
	elems    int
	optional bool
}

func shapeError(where, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", where, gpu.ErrShape, fmt.Sprintf(format, args...))
}

func check(where string, operands ...want) error {
	for _, w := range operands {
		switch {
		case w.t == nil && w.optional:
		case w.t == nil:
			return shapeError(where, "%s is missing", w.name)
		case w.t.DType != w.dt || w.t.Elems() != w.elems:
			return shapeError(where, "%s is %v %v, want %d elements of %v", w.name, w.t.DType, w.t.Shape, w.elems, w.dt)
		}
	}
	return nil
}

// extents returns n and L of a tensor that must be an f32 matrix.
func extents(where, name string, t *gpu.Tensor) (n, l int, err error) {
	if t == nil || t.DType != tensor.F32 || len(t.Shape) < 2 {
		return 0, 0, shapeError(where, "%s is missing or not an f32 matrix", name)
	}
	return t.Rows(), t.Dim(-1), nil
}

func kernel(r *gpu.Recorder, name string) *gpu.Kernel {
	spv, err := shaders.ReadFile(name + ".spv")
	if err != nil {
		r.Fail(err)
	}
	return &gpu.Kernel{Name: "bsq/" + name, SPIRV: spv}
}
