package rope

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// learned is a problem with fh heads of learned frequencies.
type learned struct {
	shape
	fh, group int
}

var learnedShapes = []learned{
	{shape{n: 1, heads: 1, axes: []int{1, 0, 0}, far: 3}, 1, 1},
	{shape{n: 9, heads: 6, axes: []int{5, 0, 0}, gap: 5, far: 90}, 3, 1},
	{shape{n: 70, heads: 6, axes: []int{4, 0, 0}, gap: 2, far: 40, half: true}, 2, 3},
	{shape{n: 150, heads: 4, axes: []int{16, 0}, far: 60}, 1, 1},
	{shape{n: 5, heads: 5, axes: []int{3, 0, 0, 0}, far: 60}, 2, 2}, // the last group is short
}

func (s learned) freqs(seed uint64) []float32 {
	return gputest.Normal(seed, len(s.axes)*s.fh*s.dh()/2)
}

// angle is that of pair j of head h in row r; device arithmetic, if round, is f32.
func (s learned) angle(freq []float64, pos []int32, r, h, j int, round bool) float64 {
	var sum float64
	for a := range s.axes {
		x := float64(pos[r*len(s.axes)+a]) * freq[(a*s.fh+h/s.group%s.fh)*s.dh()/2+j]
		if round {
			x = float64(float32(x))
			sum = float64(float32(sum + x))
		} else {
			sum += x
		}
	}
	return sum
}

func (s learned) oracle(x, freq []float64, pos []int32, inverse, round bool) (out, mag []float64) {
	out, mag = append([]float64(nil), x...), make([]float64, len(x))
	s.each(func(r, h, j, p, q int) {
		sin, cos := math.Sincos(s.angle(freq, pos, r, h, j, round))
		if inverse {
			sin = -sin
		}
		out[p], out[q] = x[p]*cos-x[q]*sin, x[p]*sin+x[q]*cos
		mag[p] = math.Abs(x[p]) + math.Abs(x[q])
		mag[q] = mag[p]
	})
	return out, mag
}

func (s learned) each(f func(r, h, j, p, q int)) {
	for r := range s.n {
		for h := range s.heads {
			for j := range s.dh() / 2 {
				p, q := s.columns(h, j)
				f(r, h, j, r*s.ld()+p, r*s.ld()+q)
			}
		}
	}
}

func TestLearned(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range learnedShapes {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { testLearned(t, dev, s) })
		}
	})
}

func testLearned(t *testing.T, dev *gpu.Device, s learned) {
	x32, dout32, freq := gputest.Normal(1, s.n*s.ld()), gputest.Normal(3, s.n*s.ld()), s.freqs(2)
	a := Args{
		N: s.n, Heads: s.heads, HeadDim: s.dh(), LDX: s.ld(), LDOut: s.ld(), Half: s.half, Group: s.group,
		Pos: gputest.I32(t, dev, s.positions(), s.n, len(s.axes)), Freq: gputest.F32(t, dev, freq, len(s.axes), s.fh, s.dh()/2),
	}
	x := gputest.F32(t, dev, x32, s.n, s.ld())
	dout := gputest.F32(t, dev, dout32, s.n, s.ld())
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		a.X, a.Out = x, x
		Apply(r, a)
		a.X, a.Out, a.Inverse = dout, dout, true
		Apply(r, a)
	})
	close := func(name string, got *gpu.Tensor, want, bound []float64, c float64) {
		for i := range bound {
			bound[i] *= c
		}
		gputest.Close(t, name, gputest.Read(t, got), want, bound)
	}
	wide := optest.Wide(freq)
	out, mag := s.oracle(optest.Wide(x32), wide, s.positions(), false, true)
	close("out", x, out, mag, 4e-7)
	dx, mag := s.oracle(optest.Wide(dout32), wide, s.positions(), true, true)
	close("dx", dout, dx, mag, 4e-7)
}

func TestLearnedShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, pos := gputest.F32(t, dev, make([]float32, 24), 3, 8), gputest.I32(t, dev, make([]int32, 9), 3, 3)
		freq := gputest.F32(t, dev, make([]float32, 12), 3, 1, 4)
		good := Args{X: x, Out: x, Pos: pos, Freq: freq}
		bad := map[string]func(*gpu.Recorder){}
		for name, change := range map[string]func(a *Args){
			"flat":  func(a *Args) { a.Freq = x.View(0, 12) },
			"axes":  func(a *Args) { a.Freq = x.View(0, 2, 1, 4) },
			"group": func(a *Args) { a.Group = -1 },
		} {
			a := good
			change(&a)
			bad[name] = func(r *gpu.Recorder) { Apply(r, a) }
		}
		optest.Refused(t, dev, bad)
	})
}
