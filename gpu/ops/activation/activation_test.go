package activation

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

var shapes = [][2]int{{1, 1}, {1, 64}, {3, 33}, {40, 258}, {2, 3000}}

// samples are normal values of a wide spread, with the ends where exp and the
// tails give out.
func samples(seed uint64, n int) []float32 {
	x := gputest.Normal(seed, n)
	for i := range x {
		x[i] *= float32(int(1) << (i % 4))
	}
	for i, v := range []float32{0, -100, 100, -3e4, 3e4, -12, 12} {
		if at := 10 * (i + 1); at < n {
			x[at] = v
		}
	}
	return x
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func oracleSwiGLU(n, h int, x []float64) []float64 {
	out := make([]float64, n*h)
	for i := range out {
		g, u := x[i/h*2*h+i%h], x[i/h*2*h+h+i%h]
		out[i] = g * sigmoid(g) * u
	}
	return out
}

// oracleSwiGLUGrad also returns the error bound.
func oracleSwiGLUGrad(n, h int, x, dout []float64) (dx, bound []float64) {
	dx, bound = make([]float64, n*2*h), make([]float64, n*2*h)
	for i, d := range dout {
		ig := i/h*2*h + i%h
		g, u := x[ig], x[ig+h]
		s := sigmoid(g)
		dx[ig], dx[ig+h] = d*u*s*(1+g*(1-s)), d*g*s
		c := relative(g)
		bound[ig], bound[ig+h] = 2*c*math.Abs(d*u*s)*(1+math.Abs(g)*(1-s)), c*math.Abs(dx[ig+h])
		bound[ig] += tiny * math.Abs(d*u)
		bound[ig+h] += tiny * math.Abs(d)
	}
	return dx, bound
}

// relative is the error that exp's (3 + 2|x|)·2⁻²³ and six more roundings leave.
func relative(x float64) float64 { return (16 + 4*min(math.Abs(x), 80)) * gputest.Eps }

// tiny covers results that f32 flushes or that the clamp of exp at 80 leaves.
const tiny = 1e-30

func gelu64(x float64, tanh bool) float64 {
	if tanh {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return 0.5 * x * math.Erfc(-x/math.Sqrt2)
}

func geluGrad64(x float64, tanh bool) float64 {
	if tanh {
		k := math.Sqrt(2 / math.Pi)
		t := math.Tanh(k * (x + 0.044715*x*x*x))
		return 0.5*(1+t) + 0.5*x*(1-t*t)*k*(1+3*0.044715*x*x)
	}
	return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func TestOracleGradients(t *testing.T) {
	const n, h = 3, 4
	x, dout := optest.Wide(gputest.Normal(1, n*2*h)), optest.Wide(gputest.Normal(2, n*h))
	dx, _ := oracleSwiGLUGrad(n, h, x, dout)
	optest.Gradient(t, "swiglu", func() float64 { return optest.Dot(oracleSwiGLU(n, h, x), dout) }, x, dx)
	for _, tanh := range []bool{false, true} {
		grad := make([]float64, len(x))
		for i := range x {
			grad[i] = geluGrad64(x[i], tanh)
		}
		optest.Gradient(t, "gelu", func() (sum float64) {
			for _, v := range x {
				sum += gelu64(v, tanh)
			}
			return sum
		}, x, grad)
	}
}

func each(t *testing.T, body func(t *testing.T, dev *gpu.Device, n, h int)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("rows=%d/cols=%d", s[0], s[1]), func(t *testing.T) { body(t, dev, s[0], s[1]) })
		}
	})
}

func TestSwiGLU(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		x := samples(1, n*2*h)
		want := oracleSwiGLU(n, h, optest.Wide(x))
		bound := make([]float64, len(want))
		for i := range bound {
			g, u := float64(x[i/h*2*h+i%h]), float64(x[i/h*2*h+h+i%h])
			bound[i] = relative(g)*math.Abs(want[i]) + tiny*math.Abs(g*u)
		}
		out := gputest.F32(t, dev, make([]float32, n*h), n, h)
		gputest.Run(t, dev, func(r *gpu.Recorder) { SwiGLU(r, SwiGLUArgs{X: gputest.F32(t, dev, x, n, 2*h), Out: out}) })
		gputest.Close(t, "out", gputest.Read(t, out), want, bound)
	})
}

func TestSwiGLUGrad(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		x, dout := samples(1, n*2*h), gputest.Normal(2, n*h)
		want, bound := oracleSwiGLUGrad(n, h, optest.Wide(x), optest.Wide(dout))
		for _, inPlace := range []bool{false, true} {
			tx := gputest.F32(t, dev, x, n, 2*h)
			dx := tx
			if !inPlace {
				dx = gputest.F32(t, dev, make([]float32, n*2*h), n, 2*h)
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				SwiGLUGrad(r, SwiGLUGradArgs{X: tx, DOut: gputest.F32(t, dev, dout, n, h), DX: dx})
			})
			gputest.Close(t, "dx", gputest.Read(t, dx), want, bound)
		}
	})
}

func TestGELU(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		for tanh, tol := range map[bool]float64{false: 3e-7, true: 1e-6} {
			for _, inPlace := range []bool{false, true} {
				x := samples(3, n*h)
				want, bound := make([]float64, n*h), make([]float64, n*h)
				for i, v := range optest.Wide(x) {
					want[i], bound[i] = gelu64(v, tanh), tol*math.Abs(v)
				}
				tx := gputest.F32(t, dev, x, n, h)
				out := tx
				if !inPlace {
					out = gputest.F32(t, dev, make([]float32, n*h), n, h)
				}
				gputest.Run(t, dev, func(r *gpu.Recorder) { GELU(r, GELUArgs{X: tx, Out: out, Tanh: tanh}) })
				gputest.Close(t, fmt.Sprintf("tanh=%v", tanh), gputest.Read(t, out), want, bound)
			}
		}
	})
}

func TestGELUGrad(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		for tanh, tol := range map[bool]float64{false: 1e-6, true: 2e-6} {
			for _, place := range []string{"apart", "x", "dout"} {
				x, dout := samples(3, n*h), gputest.Normal(4, n*h)
				want, bound := make([]float64, n*h), make([]float64, n*h)
				for i, v := range optest.Wide(x) {
					want[i], bound[i] = float64(dout[i])*geluGrad64(v, tanh), tol*math.Abs(float64(dout[i]))
				}
				a := GELUGradArgs{X: gputest.F32(t, dev, x, n, h), DOut: gputest.F32(t, dev, dout, n, h), Tanh: tanh}
				a.DX = map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, x, n, h), "x": a.X, "dout": a.DOut}[place]
				gputest.Run(t, dev, func(r *gpu.Recorder) { GELUGrad(r, a) })
				gputest.Close(t, fmt.Sprintf("tanh=%v into %s", tanh, place), gputest.Read(t, a.DX), want, bound)
			}
		}
	})
}

func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, h = 9, 71
		x := gputest.Normal(1, n*2*h)
		optest.SameRows(t, n, h, func(m int) []float32 {
			out := gputest.F32(t, dev, make([]float32, m*h), m, h)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				SwiGLU(r, SwiGLUArgs{X: gputest.F32(t, dev, x[:m*2*h], m, 2*h), Out: out})
				GELU(r, GELUArgs{X: out, Out: out})
				GELUGrad(r, GELUGradArgs{X: out, DOut: out, DX: out, Tanh: true})
			})
			return gputest.Read(t, out)
		})
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		half, i := x.View(0, 3, 2), gputest.I32(t, dev, make([]int32, 12), 12)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"swiglu nil":  func(r *gpu.Recorder) { SwiGLU(r, SwiGLUArgs{Out: x}) },
			"swiglu out":  func(r *gpu.Recorder) { SwiGLU(r, SwiGLUArgs{X: x, Out: x}) },
			"swiglu odd":  func(r *gpu.Recorder) { SwiGLU(r, SwiGLUArgs{X: x.View(0, 4, 3), Out: half}) },
			"swiglu dx":   func(r *gpu.Recorder) { SwiGLUGrad(r, SwiGLUGradArgs{X: x, DOut: half, DX: half}) },
			"swiglu dout": func(r *gpu.Recorder) { SwiGLUGrad(r, SwiGLUGradArgs{X: x, DX: x}) },
			"gelu nil":    func(r *gpu.Recorder) { GELU(r, GELUArgs{X: x}) },
			"gelu short":  func(r *gpu.Recorder) { GELU(r, GELUArgs{X: half, Out: x}) },
			"gelu type":   func(r *gpu.Recorder) { GELU(r, GELUArgs{X: i, Out: x}) },
			"silu nil":    func(r *gpu.Recorder) { SiLU(r, SiLUArgs{Out: x}) },
			"silu dout":   func(r *gpu.Recorder) { SiLUGrad(r, SiLUGradArgs{X: x, DOut: half, DX: x}) },
			"gelu dout":   func(r *gpu.Recorder) { GELUGrad(r, GELUGradArgs{X: x, DOut: half, DX: x}) },
		})
	})
}

func BenchmarkActivation(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const h = 2048
	for _, n := range []int{1, 2048} {
		x, y := gputest.F32(b, dev, gputest.Normal(1, n*2*h), n, 2*h), gputest.F32(b, dev, gputest.Normal(2, n*h), n, h)
		z := gputest.F32(b, dev, gputest.Normal(1, n*2*h), n, 2*h)
		run := func(name string, operands int, record func(r *gpu.Recorder)) {
			b.Run(fmt.Sprintf("%s/rows=%d/cols=%d", name, n, h), func(b *testing.B) { optest.Bench(b, dev, 4*operands*n*h, n, record) })
		}
		run("swiglu", 3, func(r *gpu.Recorder) { SwiGLU(r, SwiGLUArgs{X: x, Out: y}) })
		run("swiglu-grad", 5, func(r *gpu.Recorder) { SwiGLUGrad(r, SwiGLUGradArgs{X: x, DOut: y, DX: z}) })
		for _, tanh := range []bool{false, true} {
			run(fmt.Sprint("gelu/tanh=", tanh), 2, func(r *gpu.Recorder) { GELU(r, GELUArgs{X: y, Out: z.View(0, n, h), Tanh: tanh}) })
		}
		run("silu", 2, func(r *gpu.Recorder) { SiLU(r, SiLUArgs{X: y, Out: z.View(0, n, h)}) })
		run("silu-grad", 3, func(r *gpu.Recorder) { SiLUGrad(r, SiLUGradArgs{X: y, DOut: x.View(0, n, h), DX: z.View(0, n, h)}) })
		run("gelu-grad", 3, func(r *gpu.Recorder) { GELUGrad(r, GELUGradArgs{X: y, DOut: x.View(0, n, h), DX: z.View(0, n, h)}) })
	}
}
