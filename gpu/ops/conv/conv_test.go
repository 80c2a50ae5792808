package conv

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

var shapes = map[string]Shape{
	"one":       {H: 1, W: 1, Cin: 2, Cout: 2},
	"2d":        {B: 2, H: 7, W: 9, Cin: 6, Cout: 4, Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}},
	"down":      {H: 8, W: 6, Cin: 4, Cout: 10, Kernel: [3]int{1, 3, 3}, Stride: [3]int{1, 2, 2}, Pad: [3][2]int{{}, {0, 1}, {0, 1}}},
	"patches":   {B: 2, T: 4, H: 6, W: 4, Cin: 4, Cout: 6, Kernel: [3]int{2, 2, 2}, Stride: [3]int{2, 2, 2}},
	"causal":    {B: 2, T: 5, H: 4, W: 5, Cin: 18, Cout: 4, Kernel: [3]int{3, 3, 3}, Pad: [3][2]int{{2, 0}, {1, 1}, {1, 1}}},
	"first":     {B: 2, T: 5, H: 3, W: 4, Cin: 2, Cout: 2, Kernel: [3]int{4, 1, 2}, Stride: [3]int{2, 1, 1}, Pad: [3][2]int{{3, 0}, {}, {1, 0}}, First: true},
	"gaps":      {T: 1, H: 11, W: 10, Cin: 2, Cout: 4, Kernel: [3]int{1, 2, 3}, Stride: [3]int{1, 3, 4}, Pad: [3][2]int{{}, {1, 0}, {2, 2}}},
	"two loads": {T: 2, H: 72, W: 72, Cin: 8, Cout: 2, Kernel: [3]int{3, 3, 3}, Pad: [3][2]int{{2, 0}, {1, 1}, {1, 1}}},
}

// oracle holds a convolution's operands and, in float64, what comes of them, with
// the magnitudes of each sum's terms.
type oracle struct {
	Shape
	x, w, bias              []float64
	out, magOut             []float64
	x32, w32, bias32, out32 []float32 // out32 is what the output holds before
	inRows, outRows         int
}

func newOracle(s Shape) *oracle {
	s.defaults()
	in, out := s.sides()
	o := &oracle{Shape: s, inRows: s.rows(in), outRows: s.rows(out)}
	o.x32, o.w32 = gputest.Normal(1, o.inRows*s.Cin), gputest.Normal(2, s.Cout*s.taps()*s.Cin)
	o.bias32, o.out32 = gputest.Normal(3, s.Cout), gputest.Normal(4, o.outRows*s.Cout)
	o.x, o.w, o.bias = optest.Wide(o.x32), optest.Wide(o.w32), optest.Wide(o.bias32)
	return o
}

// pairs calls body with every output position, tap and input position that meet.
func (o *oracle) pairs(body func(out, tap, in int)) {
	to, ho, wo := o.Out()
	for out := range o.outRows {
		at := [3]int{out / wo / ho % to, out / wo % ho, out % wo}
		for tap := range o.taps() {
			k := [3]int{tap / o.Kernel[2] / o.Kernel[1], tap / o.Kernel[2] % o.Kernel[1], tap % o.Kernel[2]}
			in, inside := out/wo/ho/to, true
			for a, n := range o.in() {
				i := at[a]*o.Stride[a] + k[a] - o.Pad[a][0]
				if a == 0 && o.First {
					i = max(i, 0)
				}
				inside = inside && i >= 0 && i < n
				in = in*n + i
			}
			if inside {
				body(out, tap, in)
			}
		}
	}
}

func (o *oracle) run() {
	o.out, o.magOut = make([]float64, len(o.out32)), make([]float64, len(o.out32))
	for i := range o.out {
		o.out[i], o.magOut[i] = o.bias[i%o.Cout], math.Abs(o.bias[i%o.Cout])
	}
	o.pairs(func(out, tap, in int) {
		for co := range o.Cout {
			for ci := range o.Cin {
				i, p := out*o.Cout+co, o.x[in*o.Cin+ci]*o.w[(co*o.taps()+tap)*o.Cin+ci]
				o.out[i] += p
				o.magOut[i] += math.Abs(p)
			}
		}
	})
}

// bound is the error of sums of n terms of these magnitudes, on top of before.
func bound(mag []float64, before []float32, n int) []float64 {
	out := make([]float64, len(mag))
	for i, m := range mag {
		out[i] = float64(n+4) * gputest.Eps * m
		if before != nil {
			out[i] += float64(n+4) * gputest.Eps * math.Abs(float64(before[i]))
		}
	}
	return out
}

func plus(a []float64, b []float32) []float64 {
	out := append([]float64(nil), a...)
	for i := range out {
		out[i] += float64(b[i])
	}
	return out
}

func each(t *testing.T, body func(t *testing.T, dev *gpu.Device, o *oracle)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, s := range shapes {
			t.Run(name, func(t *testing.T) {
				o := newOracle(s)
				o.run()
				body(t, dev, o)
			})
		}
	})
}

func put(tb testing.TB, dev *gpu.Device, x []float32) *gpu.Tensor {
	return gputest.F32(tb, dev, x, len(x))
}

func TestForward(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, o *oracle) {
		out := put(t, dev, o.out32)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Forward(r, Args{Shape: o.Shape, X: put(t, dev, o.x32), W: put(t, dev, o.w32), Bias: put(t, dev, o.bias32), Out: out})
		})
		gputest.Close(t, "out", gputest.Read(t, out), o.out, bound(o.magOut, nil, o.taps()*o.Cin))
	})
}

// TestSamplesDoNotDependOnTheirCompany takes 1, 2, … samples.
func TestSamplesDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := shapes["first"]
		s.B = 4
		o := newOracle(s)
		in, out := len(o.x)/4, len(o.out32)/4
		optest.SameRows(t, 4, out, func(m int) []float32 {
			s.B = m
			y := put(t, dev, o.out32[:m*out])
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Forward(r, Args{Shape: s, X: put(t, dev, o.x32[:m*in]), W: put(t, dev, o.w32), Out: y})
			})
			return gputest.Read(t, y)
		})
	})
}

// TestCausal changes the last frame, which no earlier one may feel.
func TestCausal(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := newOracle(shapes["causal"])
		run := func() []float32 {
			out := put(t, dev, o.out32)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Forward(r, Args{Shape: o.Shape, X: put(t, dev, o.x32), W: put(t, dev, o.w32), Out: out})
			})
			return gputest.Read(t, out)
		}
		before, frame := run(), o.H*o.W
		for i := range o.x32 {
			if i/o.Cin/frame%o.T == o.T-1 {
				o.x32[i]++
			}
		}
		felt := false
		for i, v := range run() {
			if last := i/o.Cout/frame%o.T == o.T-1; !last && v != before[i] {
				t.Fatalf("element %d of an earlier frame changed", i)
			} else if last && v != before[i] {
				felt = true
			}
		}
		if !felt {
			t.Error("the last frame did not change either")
		}
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := Shape{H: 3, W: 2, Cin: 2, Cout: 2}
		x, w := gputest.F32(t, dev, make([]float32, 12), 3, 2, 2), gputest.F32(t, dev, make([]float32, 4), 2, 2)
		change := func(f func(s *Shape)) Shape {
			c := s
			f(&c)
			return c
		}
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"x":    func(r *gpu.Recorder) { Forward(r, Args{Shape: s, X: w, W: w, Out: x}) },
			"w":    func(r *gpu.Recorder) { Forward(r, Args{Shape: s, X: x, W: x, Out: x}) },
			"bias": func(r *gpu.Recorder) { Forward(r, Args{Shape: s, X: x, W: w, Bias: w, Out: x}) },
			"odd": func(r *gpu.Recorder) {
				Forward(r, Args{Shape: change(func(s *Shape) { s.Cin = 1 }), X: x, W: w, Out: x})
			},
			"kernel": func(r *gpu.Recorder) {
				Forward(r, Args{Shape: change(func(s *Shape) { s.Kernel[2] = 3 }), X: x, W: w, Out: x})
			},
			"pad": func(r *gpu.Recorder) {
				Forward(r, Args{Shape: change(func(s *Shape) { s.Pad[1][0] = -1 }), X: x, W: w, Out: x})
			},
		})
	})
}

func BenchmarkConv(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	pad := [3][2]int{{2, 0}, {1, 1}, {1, 1}}
	for _, s := range []Shape{
		{H: 32, W: 32, Cin: 128, Cout: 128, Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}},
		{T: 5, H: 16, W: 16, Cin: 64, Cout: 64, Kernel: [3]int{3, 3, 3}, Pad: pad},
	} {
		o := newOracle(s)
		x, w, y := put(b, dev, o.x32), put(b, dev, o.w32), put(b, dev, o.out32)
		run := func(name string, products int, record func(r *gpu.Recorder)) {
			flops := 2 * products * o.outRows * len(o.w32)
			b.Run(fmt.Sprintf("%s/in=%dx%dx%dx%d/kernel=%v/out=%d", name, s.T, s.H, s.W, s.Cin, s.Kernel, s.Cout), func(b *testing.B) {
				optest.Bench(b, dev, 4*products*(len(o.x32)+len(o.w32)+len(o.out32)), o.outRows, record)
				b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		run("forward", 1, func(r *gpu.Recorder) { Forward(r, Args{Shape: o.Shape, X: x, W: w, Out: y}) })
		if s.Kernel[0] == 1 { // by the products of a plain convolution
			tiled := put(b, dev, WinogradWeights(o.w32, o.Cout, o.Cin))
			run("winograd", 1, func(r *gpu.Recorder) { Winograd(r, WinogradArgs{Shape: o.Shape, X: x, W: tiled, Out: y}) })
		}
	}
}
