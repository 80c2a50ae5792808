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
// Q and Out are [b·n, h·dh] matrices, K and V [b·nk, g·dh], whose rows lie LDQ,
// LDO, LDK and LDV elements apart (even; 0 means no gap); head i of the queries
// takes columns i·dh to (i+1)·dh, and reads head i/(h/g) of the keys. A matrix
// inside a wider one is a view from its first element to the end of the storage,
// x.View(off, x.Elems()-off), with off even. Out must not overlap the others. A
// norm of queries and keys is norm.RMS before the rotation, with Inner = h and the
// strides of the matrix, and its gradient norm.RMSGrad.
type Args struct {
	Q, K, V, Out       *gpu.Tensor
	LDQ, LDK, LDV, LDO int
	B, N               int
	NK                 int // keys a sequence; 0 means N
	Heads, HeadDim     int // HeadDim is even and at most MaxHeadDim
	KVHeads            int // divides Heads; 0 means Heads

	// KeyQ is i32 [b, n] and KeyK i32 [b, nk], nil meaning KeyQ: in one sequence
	// query q sees key k iff KeyK[k] <= KeyQ[q] and, with a Window, KeyK[k] >
	// KeyQ[q] - Window. No integer of a key may be -2³¹. Neither need be sorted, but
	// where they are, keys out of sight cost nothing.
	KeyQ, KeyK *gpu.Tensor
	Window     int // 0 means none
	// Scale multiplies the dot products; 0 means 1/√dh.
	Scale float32
	// LSE is f32 [b, h, n], the logarithm of a row's sum of exponentials: Forward
	// writes it, Backward reads it.
	LSE *gpu.Tensor
	// Spans, i32 [spans, 3], divides the rows into sequences of any lengths, which B and N do
	// not: each has a first row, a number of rows, at most Most, and the distance from one to the
	// next. Then B is 1, N the number of rows, and KeyK nil. No row may be in two. Rows in none are left
	// alone, Out and gradients too. See [Window].
	Spans *gpu.Tensor
	Most  int
}

// MaxHeadDim bounds the width of a head: the kernels are unrolled over it and
// keep rows of sums in registers.
const MaxHeadDim = 256

func (a *Args) width() int   { return a.Heads * a.HeadDim }
func (a *Args) kvWidth() int { return a.KVHeads * a.HeadDim }

// defaults fills the zero values.
func (a *Args) defaults() {
	orDefault(&a.NK, a.N)
	orDefault(&a.KVHeads, a.Heads)
	orDefault(&a.LDQ, a.width())
	orDefault(&a.LDO, a.width())
	orDefault(&a.LDK, a.kvWidth())
	orDefault(&a.LDV, a.kvWidth())
	a.Scale = scaleOr(a.Scale, a.HeadDim)
	if a.KeyK == nil {
		a.KeyK = a.KeyQ
	}
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

// heads checks the shape of heads, which all forms share.
func heads(where string, h, kvHeads, dh int) error {
	if h < 1 || kvHeads < 1 || h%kvHeads != 0 || dh < 2 || dh > MaxHeadDim || dh%2 != 0 {
		return launch.Error(where, "%d heads of queries, %d of keys, %d wide (even, at most %d)", h, kvHeads, dh, MaxHeadDim)
	}
	return nil
}

func (a *Args) check(where string) error {
	if err := heads(where, a.Heads, a.KVHeads, a.HeadDim); err != nil {
		return err
	}
	if a.Spans != nil && (a.B != 1 || a.NK != a.N || a.KeyK != a.KeyQ || a.Spans.Elems()%3 != 0 || a.Most < 1) {
		return launch.Error(where, "spans of at most %d rows with b=%d n=%d nk=%d", a.Most, a.B, a.N, a.NK)
	}
	if a.B < 1 || a.N < 1 || a.NK < 1 || a.Window < 0 || a.Window > math.MaxInt32 {
		return launch.Error(where, "b=%d n=%d nk=%d window=%d", a.B, a.N, a.NK, a.Window)
	}
	rows, keys := a.B*a.N, a.B*a.NK
	return first(
		matrix(where, "Q", a.Q, rows, a.width(), a.LDQ),
		matrix(where, "K", a.K, keys, a.kvWidth(), a.LDK),
		matrix(where, "V", a.V, keys, a.kvWidth(), a.LDV),
		matrix(where, "Out", a.Out, rows, a.width(), a.LDO),
		launch.Check(where, launch.I32("KeyQ", a.KeyQ, rows), launch.I32("KeyK", a.KeyK, keys), launch.F32("LSE", a.LSE, rows*a.Heads), launch.Optional(a.spans())),
	)
}

func (a *Args) spans() launch.Want {
	if a.Spans == nil {
		return launch.I32("Spans", nil, 0)
	}
	return launch.I32("Spans", a.Spans, a.Spans.Elems())
}

// keysOrSpans is the operand that kernels have after the queries' integers. Spans come with
// no integers of keys.
func (a *Args) keysOrSpans() *gpu.Tensor {
	if a.Spans != nil {
		return a.Spans
	}
	return a.KeyK
}

// grid has a workgroup for each tile of so many of n rows, of each head and sequence.
func (a *Args) grid(tile, n, heads int) [3]int {
	if a.Spans != nil {
		return [3]int{launch.Ceil(min(a.Most, n), tile), heads, a.Spans.Elems() / 3}
	}
	return [3]int{launch.Ceil(n, tile), heads, a.B}
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
