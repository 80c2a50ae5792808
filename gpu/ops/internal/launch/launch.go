package launch

import (
	"embed"
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Want is what an operation demands of one operand.
type Want struct {
	name     string
	t        *gpu.Tensor
	dtype    tensor.DType
	elems    int // exactly, or at least if atLeast is set
	atLeast  bool
	optional bool
}

// F32 demands an f32 tensor of exactly n elements.
func F32(name string, t *gpu.Tensor, n int) Want {
	return Want{name: name, t: t, dtype: tensor.F32, elems: n}
}

// I32 demands an i32 tensor of exactly n elements.
func I32(name string, t *gpu.Tensor, n int) Want {
	return Want{name: name, t: t, dtype: tensor.I32, elems: n}
}

// U32 demands a u32 tensor of exactly n elements.
func U32(name string, t *gpu.Tensor, n int) Want {
	return Want{name: name, t: t, dtype: tensor.U32, elems: n}
}

// Rows demands an f32 tensor that holds rows of cols elements, ld apart.
func Rows(name string, t *gpu.Tensor, rows, cols, ld int) Want {
	return Want{name: name, t: t, dtype: tensor.F32, elems: (rows-1)*ld + cols, atLeast: true}
}

// Optional lets the operand be nil.
func Optional(w Want) Want {
	w.optional = true
	return w
}

// Check holds operands against what an operation wants; where is the
// operation's name. The error wraps [gpu.ErrShape].
func Check(where string, wants ...Want) error {
	for _, w := range wants {
		if err := w.check(); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return nil
}

func (w Want) check() error {
	switch {
	case w.t == nil && w.optional:
		return nil
	case w.t == nil:
		return fmt.Errorf("%w: %s is nil", gpu.ErrShape, w.name)
	case w.t.DType != w.dtype:
		return fmt.Errorf("%w: %s is %v, want %v", gpu.ErrShape, w.name, w.t.DType, w.dtype)
	case w.atLeast && w.t.Elems() < w.elems:
		return fmt.Errorf("%w: %s has %d elements, %d are used", gpu.ErrShape, w.name, w.t.Elems(), w.elems)
	case !w.atLeast && w.t.Elems() != w.elems:
		return fmt.Errorf("%w: %s has %d elements, want %d", gpu.ErrShape, w.name, w.t.Elems(), w.elems)
	}
	return nil
}

// Matrix returns the rows and columns of an f32 tensor of two extents or more,
// from which an operation takes the sizes of its other operands.
func Matrix(where, name string, t *gpu.Tensor) (rows, cols int, err error) {
	if t == nil || t.DType != tensor.F32 || len(t.Shape) < 2 {
		return 0, 0, Error(where, "%s is missing or not an f32 matrix", name)
	}
	return t.Rows(), t.Dim(-1), nil
}

// Error is a shape error of an operation that [Check] does not cover.
func Error(where, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", where, gpu.ErrShape, fmt.Sprintf(format, args...))
}

// Kernel returns a folder's kernel; pkg is the folder's name. The name of a
// missing kernel is a broken invariant of ours, so it panics.
func Kernel(shaders embed.FS, pkg, name string, spec ...uint32) *gpu.Kernel {
	spv, err := shaders.ReadFile(name + ".spv")
	if err != nil {
		panic(fmt.Sprintf("%s: kernel %s: %v", pkg, name, err))
	}
	return &gpu.Kernel{Name: pkg + "/" + name, SPIRV: spv, Spec: spec}
}

// Types16 returns the variant of a kernel that reads f16 by the types of 16 bits,
// name_types16, where [gpu.Info.Types16] says so. The values are the same.
func Types16(d gpu.Info, name string) string {
	if d.Types16 {
		return name + "_types16"
	}
	return name
}

// Flag is 1 for true: the form booleans take in a kernel's constants.
func Flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// Even reports whether all of n are even: the rows of operands with these
// extents and strides can be read two floats at a time.
func Even(n ...int) bool {
	for _, x := range n {
		if x%2 != 0 {
			return false
		}
	}
	return true
}

// Ceil returns a/b rounded up, for positive a and b.
func Ceil(a, b int) int { return (a + b - 1) / b }
