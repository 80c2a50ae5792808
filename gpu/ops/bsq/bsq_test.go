package bsq

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

var shapes = [][2]int{{1, 1}, {3, 7}, {64, 18}, {17, 32}, {5, 33}, {6, 64}, {4, 100}}

// input is n rows of L normal values, of which some are exactly zero, one row whole.
func input(n, l int) []float32 {
	z := gputest.Normal(uint64(l), n*l)
	for i := range z {
		if i%13 == 5 || n > 2 && i/l == 2 {
			z[i] = 0
		}
	}
	return z
}

func eachShape(t *testing.T, body func(t *testing.T, dev *gpu.Device, n, l int)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("n=%d/L=%d", s[0], s[1]), func(t *testing.T) { body(t, dev, s[0], s[1]) })
		}
	})
}

func u32(tb testing.TB, dev *gpu.Device, words []int32, shape ...int) *gpu.Tensor {
	tb.Helper()
	x, err := dev.NewTensor(tensor.U32, shape...)
	if err == nil {
		err = x.WriteI32(words)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func filled(n int, x float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// codes is the oracle of Quantize.
func codes(n, l int, z []float32) (code []float32, bits []int32, rnorm []float64) {
	bits, rnorm = make([]int32, n*words(l)), make([]float64, n)
	side := float32(1 / math.Sqrt(float64(l)))
	for i, x := range z {
		row, c := i/l, i%l
		rnorm[row] += float64(x) * float64(x)
		if x > 0 {
			code = append(code, side)
			bits[row*words(l)+c/32] |= int32(uint32(1) << (c % 32))
		} else {
			code = append(code, -side)
		}
	}
	for i, x := range rnorm {
		if x > 0 {
			rnorm[i] = 1 / math.Sqrt(x)
		}
	}
	return code, bits, rnorm
}

func TestQuantizeMatchesOracle(t *testing.T) {
	eachShape(t, func(t *testing.T, dev *gpu.Device, n, l int) {
		z := input(n, l)
		code, bits, rnorm := codes(n, l, z)
		bound := make([]float64, n)
		for i, x := range rnorm {
			bound[i] = float64(l+12) * gputest.Eps * x
		}
		a := QuantizeArgs{
			Z: gputest.F32(t, dev, z, n, l), Code: gputest.F32(t, dev, filled(n*l, 9), n, l),
			Bits: u32(t, dev, make([]int32, n*words(l)), n, words(l)), RNorm: gputest.F32(t, dev, filled(n, 9), n),
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) { Quantize(r, a) })
		same(t, "code", gputest.Read(t, a.Code), code)
		same(t, "bits", ints(t, a.Bits), bits)
		gputest.Close(t, "rnorm", gputest.Read(t, a.RNorm), rnorm, bound)

		gputest.Run(t, dev, func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: a.Z, Code: a.Z}) })
		same(t, "code in place", gputest.Read(t, a.Z), code)
	})
}

func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func ints(t *testing.T, x *gpu.Tensor) []int32 {
	t.Helper()
	out, err := x.I32()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExpandInvertsQuantize(t *testing.T) {
	eachShape(t, func(t *testing.T, dev *gpu.Device, n, l int) {
		code, bits, _ := codes(n, l, input(n, l))
		b := u32(t, dev, bits, n, words(l))
		out := gputest.F32(t, dev, filled(n*l, 9), n, l)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Expand(r, ExpandArgs{Bits: b, Code: out}) })
		same(t, "code", gputest.Read(t, out), code)

		valid := make([]int32, n)
		for i := range valid {
			valid[i] = int32(i % 2)
			if i%2 == 0 {
				copy(code[i*l:(i+1)*l], filled(l, 0))
			}
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Expand(r, ExpandArgs{Bits: b, Code: out, Valid: gputest.I32(t, dev, valid, n)})
		})
		same(t, "code of valid rows", gputest.Read(t, out), code)

		whole, _, _ := codes(n, l, input(n, l))
		var prefixes []float32
		for i := range n * words(l) {
			row := whole[i/words(l)*l:][:l]
			known := i % words(l) * 32
			prefixes = append(append(prefixes, row[:known]...), make([]float32, l-known)...)
		}
		out = gputest.F32(t, dev, filled(n*words(l)*l, 9), n*words(l), l)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Expand(r, ExpandArgs{Bits: b, Code: out, Prefixes: true}) })
		same(t, "prefixes", gputest.Read(t, out), prefixes)
	})
}

var terms = map[string]QuantizeGradArgs{
	"straight":  {},
	"commit":    {CommitWeight: 0.7},
	"entropy":   {EntropyWeight: 0.4, Temperature: 3},
	"diversity": {DiversityWeight: 0.9, Temperature: 5},
	"all":       {CommitWeight: 0.25, EntropyWeight: 0.1, DiversityWeight: 0.3, Temperature: 10},
}

// TestOracleGradient checks the oracle by central differences of its objective
// at fixed codes, so that no difference crosses a sign.
func TestOracleGradient(t *testing.T) {
	for name, a := range terms {
		o := newObjective(3, 7, gputest.Normal(3, 21), gputest.Normal(4, 21), a)
		dz, _ := o.gradient()
		for i := range o.z {
			const eps = 1e-5
			at := o.z[i]
			o.z[i] = at + eps
			up := o.value()
			o.z[i] = at - eps
			want := (up - o.value()) / (2 * eps)
			o.z[i] = at
			if !(math.Abs(want-dz[i]) <= 1e-6*(1+math.Abs(want))) {
				t.Errorf("%s: dz[%d] = %g, differences give %g", name, i, dz[i], want)
			}
		}
	}
}

func TestQuantizeGradMatchesOracle(t *testing.T) {
	eachShape(t, func(t *testing.T, dev *gpu.Device, n, l int) {
		z, dcode := input(n, l), gputest.Normal(8, n*l)
		for name, a := range terms {
			want, bound := newObjective(n, l, z, dcode, a).gradient()
			dz := gradient(t, dev, n, l, z, dcode, a)
			gputest.Close(t, name, dz, want, bound)
		}
		a := terms["commit"]
		want, bound := newObjective(n, l, z, filled(n*l, 0), a).gradient()
		gputest.Close(t, "without dcode", gradient(t, dev, n, l, z, nil, a), want, bound)
	})
}

// gradient runs Quantize and QuantizeGrad, into dcode itself where there is one.
func gradient(t *testing.T, dev *gpu.Device, n, l int, z, dcode []float32, a QuantizeGradArgs) []float32 {
	a.Z, a.RNorm, a.DZ = gputest.F32(t, dev, z, n, l), gputest.F32(t, dev, filled(n, 9), n), gputest.F32(t, dev, filled(n*l, 9), n, l)
	if dcode != nil {
		a.DCode = gputest.F32(t, dev, dcode, n, l)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Quantize(r, QuantizeArgs{Z: a.Z, RNorm: a.RNorm})
		QuantizeGrad(r, a)
	})
	out := gputest.Read(t, a.DZ)
	if dcode != nil {
		a.DZ = a.DCode
		gputest.Run(t, dev, func(r *gpu.Recorder) { QuantizeGrad(r, a) })
		same(t, "in place", gputest.Read(t, a.DZ), out)
	}
	return out
}

func TestRowsAreIndependent(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, l = 9, 36
		z, dcode := input(n, l), gputest.Normal(8, n*l)
		all := gradient(t, dev, n, l, z, dcode, QuantizeGradArgs{})
		for i := range n {
			same(t, fmt.Sprint("row ", i), gradient(t, dev, 1, l, z[i*l:(i+1)*l], dcode[i*l:(i+1)*l], QuantizeGradArgs{}), all[i*l:(i+1)*l])
		}
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, y := gputest.F32(t, dev, filled(12, 1), 3, 4), gputest.F32(t, dev, filled(2, 1), 2)
		for name, record := range map[string]func(r *gpu.Recorder){
			"no output":  func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: x}) },
			"no z":       func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Code: x}) },
			"float bits": func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: x, Bits: x}) },
			"rnorm":      func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: x, RNorm: y}) },
			"no bits":    func(r *gpu.Recorder) { Expand(r, ExpandArgs{Code: x}) },
			"dz":         func(r *gpu.Recorder) { QuantizeGrad(r, QuantizeGradArgs{Z: x, RNorm: y, DZ: x}) },
		} {
			rec := dev.NewRecorder()
			record(rec)
			if !errors.Is(rec.Err(), gpu.ErrShape) {
				t.Errorf("%s: error %v", name, rec.Err())
			}
		}
	})
}

func BenchmarkQuantize(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n, l = 4096, 32
	a := QuantizeArgs{Z: gputest.F32(b, dev, input(n, l), n, l), Code: gputest.F32(b, dev, input(n, l), n, l), Bits: u32(b, dev, make([]int32, n), n, 1), RNorm: gputest.F32(b, dev, filled(n, 1), n)}
	g := QuantizeGradArgs{Z: a.Z, RNorm: a.RNorm, DCode: a.Code, DZ: gputest.F32(b, dev, input(n, l), n, l), CommitWeight: 1, EntropyWeight: 1, DiversityWeight: 1}
	for name, record := range map[string]func(r *gpu.Recorder){
		"quantize": func(r *gpu.Recorder) { Quantize(r, a) },
		"expand":   func(r *gpu.Recorder) { Expand(r, ExpandArgs{Bits: a.Bits, Code: a.Code}) },
		"gradient": func(r *gpu.Recorder) { QuantizeGrad(r, g) },
	} {
		b.Run(fmt.Sprintf("%s/rows=%d/L=%d", name, n, l), func(b *testing.B) {
			rec := dev.NewRecorder()
			record(rec)
			p, err := rec.Finish()
			if err != nil {
				b.Fatal(err)
			}
			defer p.Free()
			b.SetBytes(8 * n * l)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Run(1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
