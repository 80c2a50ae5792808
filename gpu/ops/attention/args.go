package attention

import (
	"embed"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// Args are the operands of the training form.
//
// Q, K, V and Out are [b·n, d] matrices whose rows lie LDQ, LDK, LDV and LDO
// elements apart (even; 0 means d); head i takes columns i·dh to (i+1)·dh. A
// matrix inside a wider one is a view from its first element to the end of the
// storage, x.View(off, x.Elems()-off), with off even. Out must not overlap the
// others.
type Args struct {
	Q, K, V, Out         *gpu.Tensor
	LDQ, LDK, LDV, LDO   int
	B, N, Heads, HeadDim int // HeadDim is even

	// Key is i32 [b, n]: in one sequence query q sees key k iff Key[k] <= Key[q].
	Key *gpu.Tensor
	// Scale multiplies the dot products; 0 means 1/√dh.
	Scale float32
	// Probs is f32 with ProbsShape(b, h, n): Forward writes it, Backward reads it.
	Probs *gpu.Tensor
}

// ProbsShape is the shape of Args.Probs, [b, h, n, n] with the last extent
// rounded up to even: the matrix product reads rows in pairs.
func ProbsShape(b, heads, n int) []int { return []int{b, heads, n, even(n)} }

func even(n int) int { return (n + 1) &^ 1 }

func (a *Args) width() int { return a.Heads * a.HeadDim }

// defaults fills the zero values.
func (a *Args) defaults() {
	for _, ld := range []*int{&a.LDQ, &a.LDK, &a.LDV, &a.LDO} {
		orDefault(ld, a.width())
	}
	a.Scale = scaleOr(a.Scale, a.HeadDim)
}

func orDefault(p *int, v int) {
	if *p == 0 {
		*p = v
	}
}

func scaleOr(scale float32, dh int) float32 {
	if scale == 0 && dh > 0 {
		return float32(1 / math.Sqrt(float64(dh)))
	}
	return scale
}

func (a *Args) check(where string) error {
	if a.B < 1 || a.N < 1 || a.Heads < 1 || a.HeadDim < 2 || a.HeadDim%2 != 0 {
		return shapeError(where, "b=%d n=%d heads=%d dh=%d (dh is even)", a.B, a.N, a.Heads, a.HeadDim)
	}
	rows := a.B * a.N
	return first(
		matrix(where, "Q", a.Q, rows, a.width(), a.LDQ),
		matrix(where, "K", a.K, rows, a.width(), a.LDK),
		matrix(where, "V", a.V, rows, a.width(), a.LDV),
		matrix(where, "Out", a.Out, rows, a.width(), a.LDO),
		exactly(where, "Key", a.Key, tensor.I32, rows),
		exactly(where, "Probs", a.Probs, tensor.F32, rows*a.Heads*even(a.N)),
	)
}

// first returns the first error, if any.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func shapeError(where, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", where, gpu.ErrShape, fmt.Sprintf(format, args...))
}

// matrix checks an f32 matrix of rows ld elements apart.
func matrix(where, name string, t *gpu.Tensor, rows, cols, ld int) error {
	switch {
	case t == nil || t.DType != tensor.F32:
		return shapeError(where, "%s is missing or not f32", name)
	case ld < cols || ld%2 != 0:
		return shapeError(where, "%s: stride %d for %d columns (strides are even)", name, ld, cols)
	case (rows-1)*ld+cols > t.Elems():
		return shapeError(where, "%s has %d elements, %d are touched", name, t.Elems(), (rows-1)*ld+cols)
	}
	return nil
}

// exactly checks a dense operand.
func exactly(where, name string, t *gpu.Tensor, dt tensor.DType, n int) error {
	if t == nil || t.DType != dt || t.Elems() != n {
		if t == nil {
			return shapeError(where, "%s is missing", name)
		}
		return shapeError(where, "%s is %v %v, want %d elements of %v", name, t.DType, t.Shape, n, dt)
	}
	return nil
}

// kernel loads a shader of this package.
func kernel(r *gpu.Recorder, name string, spec ...uint32) *gpu.Kernel {
	spv, err := shaders.ReadFile(name + ".spv")
	if err != nil {
		r.Fail(err)
	}
	return &gpu.Kernel{Name: "attention/" + name, SPIRV: spv, Spec: spec}
}
