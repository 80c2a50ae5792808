package resize

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

var shapes = []Shape{
	{H: 1, W: 1, C: 1, To: [3]int{1, 1, 1}},
	{B: 2, H: 3, W: 4, C: 34, To: [3]int{0, 6, 8}},
	{H: 8, W: 9, C: 3, To: [3]int{1, 4, 3}},
	{B: 2, T: 3, H: 5, W: 7, C: 2, To: [3]int{5, 7, 3}},
	{T: 4, H: 1, W: 6, C: 70, To: [3]int{2, 3, 13}},
}

// keys is the cubic kernel at a distance of x, with a = -0.75.
func keys(x float64) float64 {
	const a = -0.75
	switch x = math.Abs(x); {
	case x <= 1:
		return (a+2)*x*x*x - (a+3)*x*x + 1
	case x < 2:
		return a*x*x*x - 5*a*x*x + 8*a*x - 4*a
	}
	return 0
}

// axis returns the weights [m][n] of an axis, from the modes' definitions.
func axis(mode Mode, n, m int) [][]float64 {
	out := make([][]float64, m)
	ratio := float64(n) / float64(m)
	for j := range out {
		out[j] = make([]float64, n)
		switch mode {
		case Nearest:
			out[j][j*n/m] = 1
		case Area:
			first, end := j*n/m, ((j+1)*n+m-1)/m
			for i := first; i < end; i++ {
				out[j][i] = 1 / float64(end-first)
			}
		case Linear:
			at := min(max((float64(j)+0.5)*ratio-0.5, 0), float64(n-1))
			for i := range n {
				out[j][i] = max(0, 1-math.Abs(at-float64(i)))
			}
		case Cubic:
			at := (float64(j)+0.5)*ratio - 0.5
			for tap := math.Floor(at) - 1; tap <= math.Floor(at)+2; tap++ {
				out[j][int(min(max(tap, 0), float64(n-1)))] += keys(at - tap)
			}
		}
	}
	return out
}

// each calls body with every weight that is not 0, and the elements it joins.
func (s Shape) each(mode Mode, body func(w float64, in, out int)) {
	var w [3][][]float64
	for a, n := range s.from() {
		w[a] = axis(mode, n, s.To[a])
	}
	for out := range s.elems(s.To) / s.C {
		x, y, t, b := out%s.To[2], out/s.To[2]%s.To[1], out/s.To[2]/s.To[1]%s.To[0], out/s.To[2]/s.To[1]/s.To[0]
		for in := range s.T * s.H * s.W {
			weight := w[0][t][in/s.W/s.H] * w[1][y][in/s.W%s.H] * w[2][x][in%s.W]
			for c := 0; c < s.C && weight != 0; c++ {
				body(weight, (b*s.T*s.H*s.W+in)*s.C+c, out*s.C+c)
			}
		}
	}
}

// oracle returns the result for x, with its terms' magnitudes.
func (s Shape) oracle(mode Mode, x []float64) (out, mag []float64) {
	out, mag = make([]float64, s.elems(s.To)), make([]float64, s.elems(s.To))
	s.each(mode, func(w float64, i, j int) {
		out[j] += w * x[i]
		if mode == Cubic { // an axis' weights, taps of both signs, sum to 1.75 at most
			w = math.Pow(1.75, 3)
		}
		mag[j] += w * math.Abs(x[i])
	})
	return out, mag
}

func (s Shape) filled(t testing.TB) Shape {
	if err := s.check("test", Nearest); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOracle(t *testing.T) {
	s := Shape{H: 2, W: 4, C: 1, To: [3]int{1, 2, 2}}.filled(t)
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	for mode, want := range map[Mode][]float64{Nearest: {1, 3, 5, 7}, Linear: {1.5, 3.5, 5.5, 7.5}, Area: {1.5, 3.5, 5.5, 7.5}, Cubic: {1.40625, 3.59375, 5.40625, 7.59375}} {
		if out, _ := s.oracle(mode, x); fmt.Sprint(out) != fmt.Sprint(want) {
			t.Errorf("mode %d: %v, want %v", mode, out, want)
		}
	}
}

func TestRecord(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			for _, mode := range []Mode{Nearest, Linear, Area, Cubic} {
				t.Run(fmt.Sprintf("%+v/%d", s, mode), func(t *testing.T) { testRecord(t, dev, s.filled(t), mode) })
			}
		}
	})
}

func testRecord(t *testing.T, dev *gpu.Device, s Shape, mode Mode) {
	x := gputest.Normal(1, s.elems(s.from()))
	want, bound := s.oracle(mode, optest.Wide(x))
	// Of N terms that are not 0, as many as the axes' reach allows.
	n := float64(s.T*s.H*s.W + s.To[0]*s.To[1]*s.To[2] + 12)
	for i := range bound {
		bound[i] *= n * gputest.Eps
	}
	out := gputest.F32(t, dev, make([]float32, len(want)), len(want))
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Record(r, Args{Shape: s, Mode: mode, X: gputest.F32(t, dev, x, len(x)), Out: out})
	})
	if mode == Nearest {
		bound = []float64{0}
	}
	gputest.Close(t, "out", gputest.Read(t, out), want, bound)
}

// TestSamplesDoNotDependOnTheirCompany takes 1, 2, … samples.
func TestSamplesDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := Shape{B: 3, T: 2, H: 3, W: 4, C: 6, To: [3]int{3, 5, 7}}.filled(t)
		from, to := s.elems(s.from())/3, s.elems(s.To)/3
		x := gputest.Normal(1, 3*from)
		optest.SameRows(t, 3, to, func(m int) []float32 {
			s.B = m
			out := gputest.F32(t, dev, make([]float32, m*to), m*to)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Record(r, Args{Shape: s, Mode: Linear, X: gputest.F32(t, dev, x[:m*from], m*from), Out: out})
			})
			return gputest.Read(t, out)
		})
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, y := gputest.F32(t, dev, make([]float32, 8), 8), gputest.F32(t, dev, make([]float32, 32), 32)
		s := Shape{H: 2, W: 2, C: 2, To: [3]int{1, 4, 4}}
		none, huge := s, s
		none.To[1], huge.To[2] = 0, 1<<15
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"x":    func(r *gpu.Recorder) { Record(r, Args{Shape: s, X: y, Out: y}) },
			"out":  func(r *gpu.Recorder) { Record(r, Args{Shape: s, X: x, Out: x}) },
			"none": func(r *gpu.Recorder) { Record(r, Args{Shape: none, X: x, Out: y}) },
			"huge": func(r *gpu.Recorder) { Record(r, Args{Shape: huge, X: x, Out: y}) },
			"mode": func(r *gpu.Recorder) { Record(r, Args{Shape: s, Mode: 4, X: x, Out: y}) },
		})
	})
}

func BenchmarkResize(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	s := Shape{T: 4, H: 32, W: 32, C: 64, To: [3]int{8, 64, 64}}.filled(b)
	small, large := s.elems(s.from()), s.elems(s.To)
	x, y := gputest.F32(b, dev, gputest.Normal(1, small), small), gputest.F32(b, dev, gputest.Normal(2, large), large)
	for mode, name := range []string{"nearest", "linear", "area", "cubic"} { // a product and a sum a term, 1, 8 or 64 terms
		shape := fmt.Sprintf("%s/in=4x32x32x64/out=8x64x64", name)
		b.Run(shape, func(b *testing.B) {
			optest.Bench(b, dev, 4*(small+large), large/s.C, func(r *gpu.Recorder) { Record(r, Args{Shape: s, Mode: Mode(mode), X: x, Out: y}) })
		})
	}
}
