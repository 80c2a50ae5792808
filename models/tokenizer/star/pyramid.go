package star

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Pyramids says how features become bits. The first time of features is a pyramid of
// growing scales, and so are the Clip times after it, and so on. A scale is predicted in
// one or more passes. Each pass codes what the passes before it left over, as bits of
// plus or minus one.
type Pyramids struct {
	Detail   int      // numbers of a feature, and bits of a code of a fine scale
	Semantic int      // bits of a code of the others, which are stretched to Detail numbers
	Fine     int      // rows times columns from which a scale is fine
	Sides    [][2]int // rows and columns of the scales; the last are those of the features
	Times    [2][]int // passes of each scale: of the first pyramid, and of the others
	Clip     int      // times of features of the pyramids behind the first at most
}

// Coded is what uses the features' bits, such as a generator's input.
type Coded interface{ Pyramids() Pyramids }

// The bounds of pyramids.
const (
	maxScales = 64
	maxTimes  = 64
	maxCodes  = 1 << 22 // of a pyramid
)

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (p Pyramids) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("star.Pyramids: %w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	n := len(p.Sides)
	if n < 1 || n > maxScales || len(p.Times[0]) != n || len(p.Times[1]) != n {
		return bad("%d scales of %d and %d passes", n, len(p.Times[0]), len(p.Times[1]))
	}
	if p.Semantic < 2 || p.Detail < p.Semantic || p.Detail > 1024 || p.Detail%2 != 0 || p.Semantic%2 != 0 || p.Clip < 1 || p.Clip > 1<<10 {
		return bad("codes of %d and %d bits, want even numbers of 2 to 1024; clips of %d", p.Semantic, p.Detail, p.Clip)
	}
	for i, s := range p.Sides {
		if s[0] < 1 || s[1] < 1 || s[0] > 1<<10 || s[1] > 1<<10 || i > 0 && (s[0] < p.Sides[i-1][0] || s[1] < p.Sides[i-1][1]) {
			return bad("scales of %v, want growing rows and columns of 1 to 1024", p.Sides)
		}
		for _, times := range p.Times {
			if times[i] < 1 || times[i] > maxTimes {
				return bad("scale %d is predicted %d times, want 1 to %d", i, times[i], maxTimes)
			}
		}
	}
	codes := 0
	for _, pass := range p.Of(p.Clip).Passes {
		codes += p.Of(p.Clip).Size(pass)
		if codes > maxCodes {
			return bad("a clip of %d times has over %d codes", p.Clip, maxCodes)
		}
	}
	return nil
}

// Semantics is the number of scales with the short codes. They come first.
func (p Pyramids) Semantics() int {
	i := slices.IndexFunc(p.Sides, func(s [2]int) bool { return s[0]*s[1] >= p.Fine })
	if i < 0 {
		return len(p.Sides)
	}
	return i
}

// Words is the number of 32-bit words of a code.
func (p Pyramids) Words() int { return (p.Detail + 31) / 32 }

// Bits is the number of bits of a scale's codes.
func (p Pyramids) Bits(scale int) int {
	if scale < p.Semantics() {
		return p.Semantic
	}
	return p.Detail
}

// First is the T that stands for the first pyramid in [Pyramids.Of].
const First = 0

// Pyramid is one pyramid of some times of features.
type Pyramid struct {
	Pyramids
	T      int   // times
	Passes []int // the scale of each
}

// Of returns the pyramid of t times of features, or the first one.
func (p Pyramids) Of(t int) Pyramid {
	out := Pyramid{Pyramids: p, T: max(t, 1)}
	times := p.Times[1]
	if t == First {
		times = p.Times[0]
	}
	for scale, n := range times {
		for range n {
			out.Passes = append(out.Passes, scale)
		}
	}
	return out
}

// All returns the pyramids of so many times of features, in order.
func (p Pyramids) All(t int) []Pyramid {
	out := []Pyramid{p.Of(First)}
	for left := t - 1; left > 0; left -= p.Clip {
		out = append(out, p.Of(min(left, p.Clip)))
	}
	return out
}

// Whole reports whether so many times of features end with a whole pyramid.
func (p Pyramids) Whole(t int) bool { return t == 0 || t > 0 && (t-1)%p.Clip == 0 }

// Size is the number of codes of a scale.
func (p Pyramid) Size(scale int) int { return p.T * p.Sides[scale][0] * p.Sides[scale][1] }

// Cells is the number of features.
func (p Pyramid) Cells() int { return p.Size(len(p.Sides) - 1) }

// Codes is the number of codes of all passes.
func (p Pyramid) Codes() (n int) {
	for _, scale := range p.Passes {
		n += p.Size(scale)
	}
	return n
}

// Stretching is the matrix [Detail, Semantic] that stretches a short code: linear between
// its numbers, those at the ends going on.
func (p Pyramids) Stretching() []float32 {
	out := make([]float32, p.Detail*p.Semantic)
	for j := range p.Detail {
		at := min(max((float64(j)+0.5)*float64(p.Semantic)/float64(p.Detail)-0.5, 0), float64(p.Semantic-1))
		i := int(at)
		out[j*p.Semantic+i] = float32(1 - (at - float64(i)))
		if i+1 < p.Semantic {
			out[j*p.Semantic+i+1] = float32(at - float64(i))
		}
	}
	return out
}

// pooling is the matrix [Semantic, Detail] of the means over the numbers that a short
// code's number stands for.
func (p Pyramids) pooling() []float32 {
	out := make([]float32, p.Semantic*p.Detail)
	for j := range p.Semantic {
		lo, hi := j*p.Detail/p.Semantic, ((j+1)*p.Detail+p.Semantic-1)/p.Semantic
		for i := lo; i < hi; i++ {
			out[j*p.Detail+i] = float32(1 / float64(hi-lo))
		}
	}
	return out
}

// Quantizer computes on the device with a pyramid's codes. It takes b pyramids at once,
// whose passes are b times as long.
type Quantizer struct {
	Pyramid
	Stretch *gpu.Tensor // f32 [Detail, Semantic], see Stretching
	Pool    *gpu.Tensor // f32 [Semantic, Detail]; only to code
}

// Count is the number of codes of a pass.
func (q Quantizer) Count(pass int) int { return q.Size(q.Passes[pass]) }

// Add writes what the codes of a pass stand for to out, f32 [b·cells, Detail], or adds it.
// Codes are [b·n, words].
func (q Quantizer) Add(r *gpu.Recorder, pass, b int, codes, out *gpu.Tensor, add bool) {
	scale := q.Passes[pass]
	n, bits := b*q.Size(scale), q.Bits(scale)
	if words := (bits + 31) / 32; words < q.Words() {
		cut := r.Temp(tensor.U32, n, words)
		rows.Cut(r, rows.CutArgs{X: codes.View(0, n, q.Words()), Out: cut})
		codes = cut
	}
	x := r.Temp(tensor.F32, n, bits)
	bsq.Expand(r, bsq.ExpandArgs{Bits: codes.As(tensor.U32).View(0, n, (bits+31)/32), Code: x})
	q.spread(r, scale, b, x, out, add)
}

// spread writes what numbers of a scale, f32 [b·n, bits], stand for.
func (q Quantizer) spread(r *gpu.Recorder, scale, b int, x, out *gpu.Tensor, add bool) {
	if q.Bits(scale) < q.Detail {
		y := r.Temp(tensor.F32, x.Rows(), q.Detail)
		matmul.Record(r, matmul.Args{A: x, B: q.Stretch, C: y})
		x = y
	}
	s, last := q.Sides[scale], q.Sides[len(q.Sides)-1]
	to := out
	if add {
		to = r.Temp(tensor.F32, out.Shape...)
	}
	resize.Record(r, resize.Args{
		Shape: resize.Shape{B: b * q.T, H: s[0], W: s[1], C: q.Detail, To: [3]int{1, last[0], last[1]}}, Mode: resize.Linear, X: x, Out: to,
	})
	if add {
		elementwise.Add(r, elementwise.AddArgs{A: out, B: to, Out: out})
	}
}

// Reduce returns features x, f32 [b·cells, Detail], as a pass sees them: averaged over
// areas, f32 [b·n, Detail].
func (q Quantizer) Reduce(r *gpu.Recorder, pass, b int, x *gpu.Tensor) *gpu.Tensor {
	scale := q.Passes[pass]
	s, last := q.Sides[scale], q.Sides[len(q.Sides)-1]
	if s == last {
		return x
	}
	out := r.Temp(tensor.F32, b*q.Size(scale), q.Detail)
	resize.Record(r, resize.Args{
		Shape: resize.Shape{B: b * q.T, H: last[0], W: last[1], C: q.Detail, To: [3]int{1, s[0], s[1]}}, Mode: resize.Area, X: x, Out: out,
	})
	return out
}

// code writes the bits of a pass, u32 [n, words of its codes]: the signs of what is left of
// features x, which it takes away from them.
func (q Quantizer) code(r *gpu.Recorder, pass int, x, bits *gpu.Tensor) {
	scale := q.Passes[pass]
	z := q.Reduce(r, pass, 1, x)
	if q.Bits(scale) < q.Detail {
		y := r.Temp(tensor.F32, z.Rows(), q.Semantic)
		matmul.Record(r, matmul.Args{A: z, B: q.Pool, C: y})
		z = y
	}
	code, all := r.Temp(tensor.F32, z.Rows(), z.Dim(-1)), r.Temp(tensor.F32, x.Shape...)
	bsq.Quantize(r, bsq.QuantizeArgs{Z: z, Code: code, Bits: bits})
	q.spread(r, scale, 1, code, all, false)
	elementwise.Add(r, elementwise.AddArgs{A: x, B: all, Out: x, Alpha: -1})
}
