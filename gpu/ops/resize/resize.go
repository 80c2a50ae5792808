package resize

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// Mode says what an element of the result is made of. An axis has n elements before
// and m after.
type Mode int

// The modes, as torch's interpolate has them with align_corners false.
const (
	Nearest Mode = iota // out[j] = x[floor(j·n/m)]
	Linear              // out[j] = (1-f)·x[i] + f·x[i+1], i + f = (j + ½)·n/m - ½, kept inside 0..n-1
	Area                // out[j] = mean of x[floor(j·n/m) : ceil((j+1)·n/m)]
	Cubic               // out[j] = Σ w(t-f)·x[i+t] over t of -1 to 2, i + f as for Linear but not kept inside; taps outside take the border. Keys' w with a = -0.75
)

// Shape is a change of size from [b, t, h, w, c] to [b, To, c].
type Shape struct {
	B, T, H, W, C int    // B and T of 0 mean 1
	To            [3]int // frames, rows, columns; To[0] of 0 means T
}

func (s *Shape) check(where string, mode Mode) error {
	s.B, s.T = max(s.B, 1), max(s.T, 1)
	if s.To[0] == 0 {
		s.To[0] = s.T
	}
	from := s.from()
	for i, m := range s.To {
		// The kernels place an element by a product of two extents in 31 bits.
		if n := from[i]; n < 1 || m < 1 || n > 1<<14 || m > 1<<14 {
			return launch.Error(where, "axis %d: from %d to %d, both are 1 to %d", i, n, m, 1<<14)
		}
	}
	if s.C < 1 || mode < Nearest || mode > Cubic {
		return launch.Error(where, "%d channels, mode %d", s.C, mode)
	}
	return nil
}

func (s Shape) from() [3]int { return [3]int{s.T, s.H, s.W} }

func (s Shape) elems(n [3]int) int { return s.B * n[0] * n[1] * n[2] * s.C }

// Args are the operands of [Record].
type Args struct {
	Shape
	Mode Mode
	X    *gpu.Tensor // f32 [b, t, h, w, c]
	Out  *gpu.Tensor // f32 [b, To, c]
}

// Record adds a change of size to a program: every element of the result is what
// [Mode] says along each axis in turn, an average with weights that are products of
// the axes'. The weights' positions are computed in whole numbers. Nearest is exact;
// otherwise |error| <= (N + 12)·2⁻²⁴·Σ|weight·x| for N terms, which run in the order of
// x. Out must not overlap X. If c is even, both must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Record(r *gpu.Recorder, a Args) {
	const where = "resize.Record"
	err := a.check(where, a.Mode)
	if err == nil {
		err = launch.Check(where, launch.F32("X", a.X, a.elems(a.from())), launch.F32("Out", a.Out, a.elems(a.To)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	params := []uint32{uint32(a.B), uint32(a.C)}
	for _, n := range [][3]int{a.from(), a.To} {
		params = append(params, uint32(n[0]), uint32(n[1]), uint32(n[2]))
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "resize", "forward", launch.Flag(launch.Even(a.C)), uint32(a.Mode)),
		Grid:   gpu.Linear(a.B * a.To[0] * a.To[1] * a.To[2]),
		In:     []*gpu.Tensor{a.X},
		Out:    []*gpu.Tensor{a.Out},
		Params: params,
		Work:   launch.Work(a.flops(a.Mode), a.X, a.Out),
	})
}

// flops are two for each term.
func (s Shape) flops(mode Mode) int {
	terms := map[Mode]int{Linear: 8 * s.elems(s.To), Cubic: 64 * s.elems(s.To), Area: max(s.elems(s.from()), s.elems(s.To))}
	return 2 * terms[mode]
}
