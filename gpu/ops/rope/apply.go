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
	HeadDim int         // columns of a head, even; 0 means twice Freq's length
	// LDX and LDOut are row strides in elements; 0 means Heads·HeadDim.
	LDX, LDOut int

	Pos     *gpu.Tensor // i32 [n, axes]
	Axes    int         // 0 means Pos's last extent
	Freq    *gpu.Tensor // f32 [dh/2], see Table
	Axis    *gpu.Tensor // i32 [dh/2], see Table
	Half    bool        // pairs are (j, j + dh/2) instead of (2j, 2j+1)
	Inverse bool        // turn back: the gradient of turning
}

// Apply adds to a program the turning of pairs of columns by their positions:
//
//	angle = pos[r, axis[j]]·freq[j]                    (rounded to f32)
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
// An axis outside 0..axes-1 counts as the last.
//
// If the strides are even and not Half, X and Out must start at an even element
// of their allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Apply(r *gpu.Recorder, a Args) {
	if err := a.complete(); err != nil {
		r.Fail(err)
		return
	}
	pairs := !a.Half && launch.Even(a.LDX, a.LDOut)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rope", "apply", launch.Flag(pairs), launch.Flag(a.Half), launch.Flag(a.Inverse)),
		Grid:   gpu.Linear(a.N),
		In:     []*gpu.Tensor{a.X, a.Pos, a.Freq, a.Axis},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(a.N), uint32(a.Heads), uint32(a.HeadDim), uint32(a.LDX), uint32(a.LDOut), uint32(a.Axes)},
	})
}

// complete fills in what is 0 and checks the rest.
func (a *Args) complete() error {
	const where = "rope.Apply"
	if a.Pos == nil || a.Freq == nil {
		return launch.Error(where, "Pos or Freq is nil")
	}
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&a.Axes, a.Pos.Dim(-1))
	set(&a.Heads, 1)
	set(&a.HeadDim, 2*a.Freq.Elems())
	set(&a.LDX, a.Heads*a.HeadDim)
	set(&a.LDOut, a.Heads*a.HeadDim)
	if a.Axes < 1 || a.Heads < 1 || a.HeadDim < 2 || a.HeadDim%2 != 0 || min(a.LDX, a.LDOut) < a.Heads*a.HeadDim {
		return launch.Error(where, "%d axes, %d heads of %d columns, strides %d and %d", a.Axes, a.Heads, a.HeadDim, a.LDX, a.LDOut)
	}
	set(&a.N, a.Pos.Elems()/a.Axes)
	if a.N < 1 {
		return launch.Error(where, "%d rows", a.N)
	}
	cols := a.Heads * a.HeadDim
	return launch.Check(where, launch.Rows("X", a.X, a.N, cols, a.LDX), launch.Rows("Out", a.Out, a.N, cols, a.LDOut),
		launch.I32("Pos", a.Pos, a.N*a.Axes), launch.F32("Freq", a.Freq, a.HeadDim/2), launch.I32("Axis", a.Axis, a.HeadDim/2))
}
