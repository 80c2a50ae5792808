package attention

import (
	"embed"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
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
		return launch.Error(where, "b=%d n=%d heads=%d dh=%d (dh is even)", a.B, a.N, a.Heads, a.HeadDim)
	}
	rows := a.B * a.N
	return first(
		matrix(where, "Q", a.Q, rows, a.width(), a.LDQ),
		matrix(where, "K", a.K, rows, a.width(), a.LDK),
		matrix(where, "V", a.V, rows, a.width(), a.LDV),
		matrix(where, "Out", a.Out, rows, a.width(), a.LDO),
		launch.Check(where, launch.I32("Key", a.Key, rows), launch.F32("Probs", a.Probs, rows*a.Heads*even(a.N))),
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

// matrix checks an f32 matrix of rows ld elements apart.
func matrix(where, name string, t *gpu.Tensor, rows, cols, ld int) error {
	if ld < cols || ld%2 != 0 {
		return launch.Error(where, "%s: stride %d for %d columns (strides are even)", name, ld, cols)
	}
	return launch.Check(where, launch.Rows(name, t, rows, cols, ld))
}
