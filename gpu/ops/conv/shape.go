package conv

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// Shape is a convolution from [b, t, h, w, cin] to [b, to, ho, wo, cout]. Axes are
// always those of time, height and width.
type Shape struct {
	B, T, H, W     int       // B and T of 0 mean 1
	Cin, Cout      int       // both even: a network gives its three colours a fourth
	Kernel, Stride [3]int    // 0 means 1
	Pad            [3][2]int // zeros before and after an axis; {kt-1, 0} in time is causal
	First          bool      // what lies before the first frame repeats it, instead of zeros
}

// Out returns the frames, rows and columns of the output.
func (s Shape) Out() (t, h, w int) {
	s.defaults()
	var n [3]int
	for i, x := range s.in() {
		n[i] = (x+s.Pad[i][0]+s.Pad[i][1]-s.Kernel[i])/s.Stride[i] + 1
	}
	return n[0], n[1], n[2]
}

func (s Shape) in() [3]int { return [3]int{s.T, s.H, s.W} }

func (s *Shape) defaults() {
	s.B, s.T = max(s.B, 1), max(s.T, 1)
	for i := range 3 {
		s.Kernel[i], s.Stride[i] = max(s.Kernel[i], 1), max(s.Stride[i], 1)
	}
}

// taps is the number of the kernel's positions.
func (s Shape) taps() int { return s.Kernel[0] * s.Kernel[1] * s.Kernel[2] }

// check fills in the defaults and refuses what has no output or odd channels.
func (s *Shape) check(where string) error {
	s.defaults()
	if s.H < 1 || s.W < 1 || s.Cin < 2 || s.Cout < 2 || !launch.Even(s.Cin, s.Cout) {
		return launch.Error(where, "%d by %d, %d to %d channels", s.H, s.W, s.Cin, s.Cout)
	}
	for i, n := range s.in() {
		if p := s.Pad[i]; p[0] < 0 || p[1] < 0 || n+p[0]+p[1] < s.Kernel[i] {
			return launch.Error(where, "axis %d: %d with %v around it under a kernel of %d", i, n, p, s.Kernel[i])
		}
	}
	return nil
}

// side is one end of a convolution: positions and channels.
type side struct {
	n [3]int
	c int
}

func (s Shape) sides() (in, out side) {
	t, h, w := s.Out()
	return side{s.in(), s.Cin}, side{[3]int{t, h, w}, s.Cout}
}

// rows is the number of positions of all samples.
func (s Shape) rows(at side) int { return s.B * at.n[0] * at.n[1] * at.n[2] }

func (s Shape) tensor(name string, t *gpu.Tensor, at side) launch.Want {
	return launch.F32(name, t, s.rows(at)*at.c)
}

// operands checks what a convolution takes.
func (s *Shape) operands(where string, x, w, bias, out *gpu.Tensor) error {
	if err := s.check(where); err != nil {
		return err
	}
	from, to := s.sides()
	return launch.Check(where, s.tensor("X", x, from), launch.F32("W", w, s.Cout*s.taps()*s.Cin), launch.Optional(launch.F32("Bias", bias, to.c)), s.tensor("Out", out, to))
}
