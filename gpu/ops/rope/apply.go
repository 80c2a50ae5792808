package rope

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// Args are the operands of [Apply].
type Args struct {
	X, Out  *gpu.Tensor // f32, N rows of Heads·HeadDim columns; Out may be X
	N       int         // rows; 0 means as many as Pos has
	Heads   int         // heads that lie side by side; q and k of one matrix count together; 0 means 1
	HeadDim int         // columns of a head, even; 0 means twice Freq's last extent
	// LDX and LDOut are row strides in elements; 0 means Heads·HeadDim.
	LDX, LDOut int

	Pos     *gpu.Tensor // i32 [n, axes]
	Axes    int         // 0 means Pos's last extent
	Freq    *gpu.Tensor // f32 [dh/2], see Table; learned, [axes, fh, dh/2]
	Axis    *gpu.Tensor // i32 [dh/2], see Table; nil if the frequencies are learned
	Group   int         // heads in a row that share learned frequencies; 0 means 1
	Half    bool        // pairs are (j, j + dh/2) instead of (2j, 2j+1)
	Inverse bool        // turn back: the gradient of turning
}

// Apply adds to a program the turning of pairs of columns by their positions:
//
//	angle = pos[r, axis[j]]·freq[j]                    (rounded to f32), or
//	angle = Σ_a pos[r, a]·freq[a, h/group mod fh, j]   (in f32, in order)
//	out[r, h, p(j)] = x[r, h, p(j)]·cos - x[r, h, q(j)]·sin
//	out[r, h, q(j)] = x[r, h, p(j)]·sin + x[r, h, q(j)]·cos
//
// with (p, q) = (2j, 2j+1), or (j, j + dh/2) if Half, and the sign of sin changed
// if Inverse. Columns past Heads·HeadDim are left alone. The turning is
// orthogonal, so the gradient is Apply with Inverse.
//
// Sine and cosine are off by less than 2·10⁻⁷ for |angle| <= 10⁵ (the kernel has
// its own), so |error| <= 4·10⁻⁷·(|x[p]| + |x[q]|) beside the angle's rounding;
// beyond, accuracy is lost gradually. A position must be exact in f32: |pos| <= 2²⁴.
// An axis outside 0..axes-1 counts as the last. In the first form the lowest integer is
// no position: sine and cosine are zero, and so is what is turned by it.
//
// The second form is for learned frequencies, which mix the axes in each head. Queries and keys of one matrix turn alike if there are as many heads
// of frequencies as of either, or one. Where heads of keys are shared by groups,
// turn the queries apart, with Group.
//
// If the strides are even and not Half, X and Out must start at an even element
// of their allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: pairs, Su et al., "RoFormer", 2021, arXiv:2104.09864; mixed learned
// frequencies, Heo et al., "Rotary Position Embedding for Vision Transformer",
// 2024, arXiv:2403.13298 ("RoPE-Mixed").
func Apply(r *gpu.Recorder, a Args) {
	if err := a.complete("rope.Apply"); err != nil {
		r.Fail(err)
		return
	}
	pairs := !a.Half && launch.Even(a.LDX, a.LDOut)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rope", "apply", launch.Flag(pairs), launch.Flag(a.Half), launch.Flag(a.Inverse), launch.Flag(a.Axis == nil)),
		Grid:   gpu.Linear(a.N),
		In:     []*gpu.Tensor{a.X, a.Pos, a.Freq, a.Axis},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(a.N), uint32(a.Heads), uint32(a.HeadDim), uint32(a.LDX), uint32(a.LDOut), uint32(a.Axes), uint32(a.freqHeads()), uint32(a.Group)},
		Work:   a.work(3, a.Pos, a.Freq, a.Axis),
	})
}

// work is of so many floating-point operations for an element, without the angles, on
// the rows before and after, and of what else is moved.
func (a *Args) work(flops int, more ...*gpu.Tensor) gpu.Work {
	elems := a.N * a.Heads * a.HeadDim
	w := launch.Work(flops*elems, more...)
	w.Bytes += int64(2 * 4 * elems)
	return w
}

// freqHeads is how many heads of learned frequencies there are; 1 for a table.
func (a *Args) freqHeads() int {
	if a.Axis != nil {
		return 1
	}
	return a.Freq.Dim(-2)
}

func set(p *int, v int) {
	if *p == 0 {
		*p = v
	}
}

// complete fills in what is 0 and checks the rest.
func (a *Args) complete(where string) error {
	if a.Pos == nil || a.Freq == nil {
		return launch.Error(where, "Pos or Freq is nil")
	}
	set(&a.Axes, a.Pos.Dim(-1))
	set(&a.Heads, 1)
	set(&a.Group, 1)
	set(&a.HeadDim, 2*a.Freq.Dim(-1))
	set(&a.LDX, a.Heads*a.HeadDim)
	set(&a.LDOut, a.Heads*a.HeadDim)
	if a.Axes < 1 || a.Heads < 1 || a.HeadDim < 2 || a.HeadDim%2 != 0 || a.Group < 1 || min(a.LDX, a.LDOut) < a.Heads*a.HeadDim {
		return launch.Error(where, "%d axes, %d heads of %d columns in groups of %d, strides %d and %d", a.Axes, a.Heads, a.HeadDim, a.Group, a.LDX, a.LDOut)
	}
	set(&a.N, a.Pos.Elems()/a.Axes)
	if a.N < 1 {
		return launch.Error(where, "%d rows", a.N)
	}
	freqs := a.HeadDim / 2
	if a.Axis == nil {
		if len(a.Freq.Shape) != 3 || a.Freq.Dim(0) != a.Axes {
			return launch.Error(where, "learned Freq is %v, want [%d, heads, %d]", a.Freq.Shape, a.Axes, freqs)
		}
		freqs *= a.Axes * a.freqHeads()
	}
	cols := a.Heads * a.HeadDim
	return launch.Check(where, launch.Rows("X", a.X, a.N, cols, a.LDX), launch.Rows("Out", a.Out, a.N, cols, a.LDOut),
		launch.I32("Pos", a.Pos, a.N*a.Axes), launch.F32("Freq", a.Freq, freqs), launch.Optional(launch.I32("Axis", a.Axis, a.HeadDim/2)))
}
