package loss

import (
	"embed"
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// want is one operand's type and size.
type want struct {
	name     string
	t        *gpu.Tensor
	dt       tensor.DType
	elems    int
	optional bool
}

func check(where string, operands ...want) error {
	for _, w := range operands {
		switch {
		case w.t == nil && w.optional:
		case w.t == nil:
			return fmt.Errorf("%s: %w: %s is missing", where, gpu.ErrShape, w.name)
		case w.t.DType != w.dt || w.t.Elems() != w.elems:
			return fmt.Errorf("%s: %w: %s is %v %v, want %d elements of %v", where, gpu.ErrShape, w.name, w.t.DType, w.t.Shape, w.elems, w.dt)
		}
	}
	return nil
}

// extents returns the rows and columns of the logits, which must be f32.
func extents(where string, logits *gpu.Tensor) (n, cols int, err error) {
	if logits == nil || logits.DType != tensor.F32 || len(logits.Shape) < 2 {
		return 0, 0, fmt.Errorf("%s: %w: logits are missing or not an f32 matrix", where, gpu.ErrShape)
	}
	return logits.Rows(), logits.Dim(-1), nil
}

func kernel(r *gpu.Recorder, name string, spec ...uint32) *gpu.Kernel {
	spv, err := shaders.ReadFile(name + ".spv")
	if err != nil {
		r.Fail(err)
	}
	return &gpu.Kernel{Name: "loss/" + name, SPIRV: spv, Spec: spec}
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
