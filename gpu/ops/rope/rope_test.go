package rope

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

type shape struct {
	n, heads int
	axes     []int // pairs of each axis
	gap      int   // columns behind the heads
	half     bool
	far      int // positions are drawn from -far..far
}

var shapes = []shape{
	{n: 1, heads: 1, axes: []int{1}, far: 3},
	{n: 5, heads: 2, axes: []int{32}, gap: 64, far: 4096},
	{n: 5, heads: 2, axes: []int{32}, gap: 64, far: 4096, half: true},
	{n: 9, heads: 3, axes: []int{4, 3, 6}, far: 200, half: true},
	{n: 9, heads: 3, axes: []int{4, 3, 6}, gap: 5, far: 100_000},
	{n: 33, heads: 4, axes: []int{2, 3, 4, 7}, gap: 2, far: 100_000},
	{n: 4, heads: 1, axes: []int{0, 65}, far: 100_000},
}

func (s shape) dh() int {
	var m int
	for _, p := range s.axes {
		m += 2 * p
	}
	return m
}

func (s shape) ld() int { return s.heads*s.dh() + s.gap }

// columns of pair j of head h.
func (s shape) columns(h, j int) (int, int) {
	if s.half {
		return h*s.dh() + j, h*s.dh() + j + s.dh()/2
	}
	return h*s.dh() + 2*j, h*s.dh() + 2*j + 1
}

func (s shape) positions() []int32 {
	r := rand.New(rand.NewPCG(3, 4))
	pos := make([]int32, s.n*len(s.axes))
	for i := range pos {
		pos[i] = int32(r.IntN(2*s.far+1) - s.far)
	}
	return pos
}

// oracle turns x in float64; the angle is rounded to f32 as the kernel's is.
// mag is |x[p]| + |x[q]|, and 0 in the gap.
func oracle(s shape, x []float64, pos []int32, freq []float32, axis []int32, inverse bool) (out, mag []float64) {
	out, mag = slices.Clone(x), make([]float64, len(x))
	for r := range s.n {
		for h := range s.heads {
			for j := range s.dh() / 2 {
				sin, cos := math.Sincos(float64(float32(pos[r*len(s.axes)+int(axis[j])]) * freq[j]))
				if inverse {
					sin = -sin
				}
				p, q := s.columns(h, j)
				p, q = r*s.ld()+p, r*s.ld()+q
				out[p], out[q] = x[p]*cos-x[q]*sin, x[p]*sin+x[q]*cos
				mag[p] = math.Abs(x[p]) + math.Abs(x[q])
				mag[q] = mag[p]
			}
		}
	}
	return out, mag
}

func TestOracleGradient(t *testing.T) {
	for _, half := range []bool{false, true} {
		s := shape{n: 2, heads: 2, axes: []int{2, 1}, gap: 1, far: 9, half: half}
		freq, axis := Table(s.dh(), s.axes, 100)
		x, dout := optest.Wide(gputest.Normal(1, s.n*s.ld())), optest.Wide(gputest.Normal(2, s.n*s.ld()))
		dx, _ := oracle(s, dout, s.positions(), freq, axis, true)
		optest.Gradient(t, "dx", func() float64 {
			out, _ := oracle(s, x, s.positions(), freq, axis, false)
			return optest.Dot(out, dout)
		}, x, dx)
	}
}

func each(t *testing.T, body func(t *testing.T, dev *gpu.Device, s shape)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { body(t, dev, s) })
		}
	})
}

func (s shape) args(tb testing.TB, dev *gpu.Device, x, out *gpu.Tensor) Args {
	freq, axis := Table(s.dh(), s.axes, 10000)
	return Args{
		X: x, Out: out, N: s.n, Heads: s.heads, HeadDim: s.dh(), LDX: s.ld(), LDOut: s.ld(), Half: s.half,
		Pos: gputest.I32(tb, dev, s.positions(), s.n, len(s.axes)), Axes: len(s.axes),
		Freq: gputest.F32(tb, dev, freq, len(freq)), Axis: gputest.I32(tb, dev, axis, len(axis)),
	}
}

func TestApply(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		for _, inverse := range []bool{false, true} {
			for _, inPlace := range []bool{false, true} {
				testApply(t, dev, s, inverse, inPlace)
			}
		}
	})
}

func testApply(t *testing.T, dev *gpu.Device, s shape, inverse, inPlace bool) {
	x32 := gputest.Normal(1, s.n*s.ld())
	freq, axis := Table(s.dh(), s.axes, 10000)
	want, bound := oracle(s, optest.Wide(x32), s.positions(), freq, axis, inverse)
	x := gputest.F32(t, dev, x32, s.n, s.ld())
	out := x
	if !inPlace { // the gap keeps what Out had, here X's
		out = gputest.F32(t, dev, x32, s.n, s.ld())
	}
	a := s.args(t, dev, x, out)
	a.Inverse = inverse
	gputest.Run(t, dev, func(r *gpu.Recorder) { Apply(r, a) })
	for i := range bound {
		bound[i] *= 4e-7
	}
	gputest.Close(t, fmt.Sprintf("inverse=%v inPlace=%v", inverse, inPlace), gputest.Read(t, out), want, bound)
}

// TestSinCos measures sine and cosine alone: positions are the angles, and
// (1, 0) turns into (cos, sin).
func TestSinCos(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, scale = 200_000, 1.0 / 64
		r := rand.New(rand.NewPCG(1, 2))
		pos, x := make([]int32, n), make([]float32, 2*n)
		for i := range pos {
			x[2*i] = 1
			switch i % 3 {
			case 0: // all of the range
				pos[i] = int32(r.IntN(2*6_400_000) - 6_400_000)
			case 1: // near 0
				pos[i] = int32(r.IntN(2001) - 1000)
			case 2: // next to a multiple of pi/4
				pos[i] = int32(math.Round(math.Pi / 4 * float64(r.IntN(254_000)-127_000) / scale))
			}
		}
		out := gputest.F32(t, dev, x, n, 2)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Apply(r, Args{X: out, Out: out, Pos: gputest.I32(t, dev, pos, n, 1), Freq: gputest.F32(t, dev, []float32{scale}, 1), Axis: gputest.I32(t, dev, []int32{0}, 1)})
		})
		want := make([]float64, 2*n)
		for i, p := range pos {
			want[2*i+1], want[2*i] = math.Sincos(float64(p) * scale)
		}
		got := gputest.Read(t, out)
		gputest.Close(t, "cos, sin", got, want, []float64{2e-7})
		var worst float64
		for i := range want {
			worst = max(worst, math.Abs(want[i]-float64(got[i])))
		}
		t.Logf("largest error %.3g", worst)
	})
}

func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{n: 12, heads: 3, axes: []int{3, 7}, far: 5000}
		x, all := gputest.Normal(1, s.n*s.ld()), s.positions()
		optest.SameRows(t, s.n, s.ld(), func(m int) []float32 {
			out := gputest.F32(t, dev, x[:m*s.ld()], m, s.ld())
			part := s
			part.n = m
			a := part.args(t, dev, out, out)
			a.Pos = gputest.I32(t, dev, all[:m*2], m, 2)
			gputest.Run(t, dev, func(r *gpu.Recorder) { Apply(r, a) })
			return gputest.Read(t, out)
		})
	})
}

func TestTable(t *testing.T) {
	freq, axis := Table(12, []int{2, 0, 4}, 16)
	if want := []float32{1, 0.25, 1, 0.5, 0.25, 0.125}; !slices.Equal(freq, want) {
		t.Errorf("freq %v, want %v", freq, want)
	}
	if want := []int32{0, 0, 2, 2, 2, 2}; !slices.Equal(axis, want) {
		t.Errorf("axis %v, want %v", axis, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("pairs that do not fill the head passed")
		}
	}()
	Table(12, []int{5}, 16)
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, f := gputest.F32(t, dev, make([]float32, 24), 3, 8), gputest.F32(t, dev, make([]float32, 4), 4)
		pos, axis := gputest.I32(t, dev, make([]int32, 3), 3, 1), gputest.I32(t, dev, make([]int32, 4), 4)
		good := Args{X: x, Out: x, Pos: pos, Freq: f, Axis: axis}
		gputest.Run(t, dev, func(r *gpu.Recorder) { Apply(r, good) })
		bad := map[string]func(*gpu.Recorder){}
		for name, change := range map[string]func(a *Args){
			"nil":    func(a *Args) { a.Pos = nil },
			"out":    func(a *Args) { a.Out = f },
			"heads":  func(a *Args) { a.Heads = 2 },
			"stride": func(a *Args) { a.LDX = 7 },
			"odd":    func(a *Args) { a.HeadDim = 7 },
			"axis":   func(a *Args) { a.Axis = pos },
			"table":  func(a *Args) { a.Axis = nil },
			"rows":   func(a *Args) { a.N = 2 },
			"type":   func(a *Args) { a.Pos = f },
		} {
			a := good
			change(&a)
			bad[name] = func(r *gpu.Recorder) { Apply(r, a) }
		}
		optest.Refused(t, dev, bad)
	})
}

func BenchmarkApply(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, half := range []bool{false, true} {
		for _, n := range []int{1, 2048} {
			s := shape{n: n, heads: 24, axes: []int{8, 12, 12}, gap: 768, far: 100, half: half}
			x := gputest.F32(b, dev, gputest.Normal(1, s.n*s.ld()), s.n, s.ld())
			b.Run(fmt.Sprintf("rows=%d/heads=%d/dh=%d/half=%v", s.n, s.heads, s.dh(), half), func(b *testing.B) {
				optest.Bench(b, dev, 8*n*s.heads*s.dh(), n, func(r *gpu.Recorder) { Apply(r, s.args(b, dev, x, x)) })
			})
		}
	}
}
