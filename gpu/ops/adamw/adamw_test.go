package adamw

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// state is a set of parameters with their gradient and moments.
type state struct{ p, g, m, v []float32 }

func newState(n int) state {
	s := state{gputest.Normal(1, n), gputest.Normal(2, n), gputest.Normal(3, n), gputest.Normal(4, n)}
	for i := range s.v {
		s.v[i] *= s.v[i]
	}
	return s
}

// oracle makes one step in float64 from f32 inputs; bounds come with it.
type oracle struct{ p, m, v, boundP, boundM, boundV []float64 }

func step(s state, norm float64, h []float32, decay bool) oracle {
	n := len(s.p)
	f := optest.Wide(h)
	lr, b1, b2, eps, wd, c1, c2, most := f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
	scale := 1.0
	if most > 0 {
		scale = min(1, most/norm)
	}
	o := oracle{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := range n {
		p, g, m0, v0 := float64(s.p[i]), float64(s.g[i])*scale, float64(s.m[i]), float64(s.v[i])
		o.m[i], o.v[i] = b1*m0+(1-b1)*g, b2*v0+(1-b2)*g*g
		magM := b1*math.Abs(m0) + (1-b1)*math.Abs(g)
		root := math.Sqrt(o.v[i]/c2) + eps
		by := o.m[i] / c1 / root
		if decay {
			by += wd * p
		}
		o.p[i] = p - lr*by
		o.boundM[i], o.boundV[i] = 16*gputest.Eps*magM, 32*gputest.Eps*o.v[i]
		o.boundP[i] = gputest.Eps * (64*lr*magM/c1/root + 4*lr*wd*math.Abs(p) + 2*math.Abs(o.p[i]))
	}
	return o
}

func TestStep(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, n := range []int{1, 2, 255, 256, 10_001} {
			for _, maxNorm := range []float64{0, 1e-3, 1e9} {
				for _, flags := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
					t.Run(fmt.Sprintf("n=%d/max=%g/decay,zero=%v", n, maxNorm, flags), func(t *testing.T) { testStep(t, dev, n, maxNorm, flags[0], flags[1]) })
				}
			}
		}
	})
}

func testStep(t *testing.T, dev *gpu.Device, n int, maxNorm float64, decay, zero bool) {
	s, h := newState(n), Hyper(0.01, 0.9, 0.999, 1e-8, 0.1, maxNorm, 1, 3)
	a := s.args(t, dev, h)
	a.Decay, a.ZeroGrad = decay, zero
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Norm(r, NormArgs{G: a.G, Out: a.Norm})
		Step(r, a)
	})
	var squares float64
	for _, g := range optest.Wide(s.g) {
		squares += g * g
	}
	norm := math.Sqrt(squares)
	gputest.Close(t, "norm", gputest.Read(t, a.Norm), []float64{norm}, []float64{norm * 600 * gputest.Eps})
	// The step is held against the norm the device found, whose error is its own.
	o := step(s, float64(gputest.Read(t, a.Norm)[0]), h, decay)
	gputest.Close(t, "p", gputest.Read(t, a.P), o.p, o.boundP)
	gputest.Close(t, "m", gputest.Read(t, a.M), o.m, o.boundM)
	gputest.Close(t, "v", gputest.Read(t, a.V), o.v, o.boundV)
	if zero {
		clear(s.g)
	}
	if got := gputest.Read(t, a.G); !slices.Equal(got, s.g) {
		t.Error("the gradient is not what ZeroGrad asks for")
	}
}

func (s state) args(tb testing.TB, dev *gpu.Device, h []float32) StepArgs {
	put := func(x []float32) *gpu.Tensor { return gputest.F32(tb, dev, x, len(x)) }
	return StepArgs{P: put(s.p), G: put(s.g), M: put(s.m), V: put(s.v), Norm: put([]float32{0}), Hyper: put(h)}
}

// TestBadNormSkips puts one NaN or Inf into the gradient.
func TestBadNormSkips(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30} {
			s := newState(9001)
			s.g[7000] = bad
			a := s.args(t, dev, Hyper(0.1, 0.9, 0.99, 1e-8, 0.1, 1, 1, 1))
			a.Decay, a.ZeroGrad = true, true
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Norm(r, NormArgs{G: a.G, Out: a.Norm})
				Step(r, a)
			})
			for what, c := range map[string][2][]float32{"p": {gputest.Read(t, a.P), s.p}, "m": {gputest.Read(t, a.M), s.m}, "v": {gputest.Read(t, a.V), s.v}, "g": {gputest.Read(t, a.G), make([]float32, len(s.g))}} {
				if !slices.Equal(c[0], c[1]) {
					t.Errorf("g=%g: %s changed", bad, what)
				}
			}
		}
	})
}

// TestScaleChangesNoBit makes a step with a gradient as it is and with one that is
// multiplied by a loss scale, which only moves exponents.
func TestScaleChangesNoBit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, maxNorm := range []float64{0, 1, 1e9} {
			var after [2]state
			for i, scale := range []float64{1, 1 << 15} {
				s := newState(1001)
				for j := range s.g {
					s.g[j] *= float32(scale)
				}
				a := s.args(t, dev, Hyper(0.1, 0.9, 0.99, 1e-8, 0.1, maxNorm, scale, 2))
				gputest.Run(t, dev, func(r *gpu.Recorder) {
					Norm(r, NormArgs{G: a.G, Out: a.Norm})
					Step(r, a)
				})
				after[i] = state{gputest.Read(t, a.P), nil, gputest.Read(t, a.M), gputest.Read(t, a.V)}
			}
			if a, b := after[0], after[1]; !slices.Equal(a.p, b.p) || !slices.Equal(a.m, b.m) || !slices.Equal(a.v, b.v) {
				t.Errorf("max %g: a scaled gradient makes another step", maxNorm)
			}
		}
	})
}

// TestCopy steps, and skips a step, with a copy, which is to be what Narrow makes of P.
func TestCopy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, dt := range []tensor.DType{tensor.F16, tensor.BF16} {
			for _, bad := range []bool{false, true} {
				s := newState(2002)
				if bad {
					s.g[3] = float32(math.Inf(1))
				}
				a := s.args(t, dev, Hyper(0.1, 0.9, 0.99, 1e-8, 0.1, 1, 1, 1))
				var want *gpu.Tensor
				for _, p := range []**gpu.Tensor{&a.Copy, &want} {
					var err error
					if *p, err = dev.NewTensor(dt, len(s.p)); err != nil {
						t.Fatal(err)
					}
				}
				gputest.Run(t, dev, func(r *gpu.Recorder) {
					Norm(r, NormArgs{G: a.G, Out: a.Norm})
					Step(r, a)
					elementwise.Narrow(r, elementwise.NarrowArgs{X: a.P, Out: want})
				})
				if slices.Equal(gputest.Read(t, a.P), s.p) != bad {
					t.Errorf("bad gradient %v: the step was not what it should be", bad)
				}
				if !slices.Equal(raw(t, a.Copy), raw(t, want)) {
					t.Errorf("%v, bad gradient %v: the copy is not P", dt, bad)
				}
			}
		}
	})
}

func raw(t *testing.T, x *gpu.Tensor) []byte {
	t.Helper()
	out := make([]byte, x.SizeBytes())
	if err := x.ReadBytes(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDescends minimizes Σ(p-target)²/2 by 300 steps.
func TestDescends(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 50
		s, target := newState(n), gputest.Normal(9, n)
		clear(s.m)
		clear(s.v)
		a := s.args(t, dev, make([]float32, HyperLen))
		rec := dev.NewRecorder()
		Norm(rec, NormArgs{G: a.G, Out: a.Norm})
		Step(rec, a)
		p, err := rec.Finish()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		for i := range 300 {
			x := gputest.Read(t, a.P)
			for c := range x {
				x[c] -= target[c]
			}
			if err := a.G.WriteF32(x); err != nil {
				t.Fatal(err)
			}
			if err := a.Hyper.WriteF32(Hyper(0.1*(1-float64(i)/300), 0.9, 0.99, 1e-8, 0, 0, 1, i+1)); err != nil {
				t.Fatal(err)
			}
			if err := p.Run(1); err != nil {
				t.Fatal(err)
			}
		}
		gputest.Close(t, "p", gputest.Read(t, a.P), optest.Wide(target), []float64{1e-3})
	})
}

func TestHyper(t *testing.T) {
	got := Hyper(0.5, 0.5, 0.75, 1e-8, 0.125, 2, 1024, 3)
	want := []float32{0.5, 0.5, 0.75, 1e-8, 0.125, 0.875, 0.578125, 2, 1.0 / 1024}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// The first step divides by what the kernel multiplied by, 1 - beta in f32.
	h := Hyper(1, 0.9, 0.999, 0, 0, 0, 1, 1)
	if h[5] != 1-h[1] || h[6] != 1-h[2] {
		t.Errorf("corrections %g and %g, want %g and %g", h[5], h[6], 1-h[1], 1-h[2])
	}
	defer func() {
		if recover() == nil {
			t.Error("step 0 passed")
		}
	}()
	Hyper(1, 0.9, 0.999, 0, 0, 0, 1, 0)
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		good := newState(4).args(t, dev, make([]float32, HyperLen))
		bad := map[string]func(*gpu.Recorder){"norm": func(r *gpu.Recorder) { Norm(r, NormArgs{G: good.G, Out: good.G}) }}
		for name, change := range map[string]func(a *StepArgs){
			"nil":   func(a *StepArgs) { a.P = nil },
			"g":     func(a *StepArgs) { a.G = a.G.View(0, 3) },
			"m":     func(a *StepArgs) { a.M = nil },
			"hyper": func(a *StepArgs) { a.Hyper = a.P },
			"copy":  func(a *StepArgs) { a.Copy = a.M },
			"norm1": func(a *StepArgs) { a.Norm = a.P },
		} {
			a := good
			change(&a)
			bad[name] = func(r *gpu.Recorder) { Step(r, a) }
		}
		optest.Refused(t, dev, bad)
	})
}

func BenchmarkStep(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n = 4 << 20
	a := newState(n).args(b, dev, Hyper(1e-9, 0.9, 0.99, 1e-8, 0.1, 1, 1, 1))
	a.Decay = true
	b.Run(fmt.Sprintf("step/parameters=%d", n), func(b *testing.B) { optest.Bench(b, dev, 28*n, n, func(r *gpu.Recorder) { Step(r, a) }) })
	half, err := dev.NewTensor(tensor.BF16, n)
	if err != nil {
		b.Fatal(err)
	}
	c := a
	c.Copy = half
	b.Run(fmt.Sprintf("step/copy=bf16/parameters=%d", n), func(b *testing.B) { optest.Bench(b, dev, 30*n, n, func(r *gpu.Recorder) { Step(r, c) }) })
	b.Run(fmt.Sprintf("norm/parameters=%d", n), func(b *testing.B) {
		optest.Bench(b, dev, 4*n, n, func(r *gpu.Recorder) { Norm(r, NormArgs{G: a.G, Out: a.Norm}) })
	})
}
