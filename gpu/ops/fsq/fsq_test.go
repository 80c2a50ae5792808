package fsq

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

var sets = [][]int{{2}, {3}, {8, 5, 5, 5}, {8, 8, 8, 6, 5}, {2, 4, 7, 2, 3, 2, 5, 16}}

// bounded is b and its derivative.
func bounded(z float64, l int) (b, slope float64) {
	half, offset := float64(l-1)*(1-margin)/2, 0.0
	if l%2 == 0 {
		offset = 0.5
	}
	t := math.Tanh(z + shift(l))
	return t*half - offset, half * (1 - t*t)
}

// samples are normal values of a wide spread, and a few extremes.
func samples(n int) []float32 {
	z := gputest.Normal(1, n)
	for i := range z {
		z[i] *= float32(1 + i%4)
	}
	for i, v := range []float32{0, 1e6, -1e6, float32(math.Copysign(0, -1))} {
		if 11*i < n {
			z[11*i] = v
		}
	}
	return z
}

func TestOracleGradient(t *testing.T) {
	for _, l := range []int{2, 3, 4, 8, 11} {
		z := optest.Wide(gputest.Normal(1, 20))
		grad := make([]float64, len(z))
		for i := range z {
			_, grad[i] = bounded(z[i], l)
		}
		optest.Gradient(t, "b", func() (sum float64) {
			for _, v := range z {
				b, _ := bounded(v, l)
				sum += b
			}
			return sum
		}, z, grad)
		if b, _ := bounded(0, l); l > 2 && math.Abs(b) > 1e-12 {
			t.Errorf("%d levels: 0 gives %g", l, b)
		}
	}
}

func each(t *testing.T, body func(t *testing.T, dev *gpu.Device, n int, levels []int)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, levels := range sets {
			for _, n := range []int{1, 203} {
				t.Run(fmt.Sprintf("rows=%d/levels=%v", n, levels), func(t *testing.T) { body(t, dev, n, levels) })
			}
		}
	})
}

func TestQuantize(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n int, levels []int) {
		d, z := len(levels), samples(n*len(levels))
		code, index := gputest.F32(t, dev, z, n, d), gputest.I32(t, dev, make([]int32, n), n)
		again := gputest.F32(t, dev, z, n, d)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Quantize(r, QuantizeArgs{Z: code, Levels: levels, Code: code, Index: index}) // in place
			Expand(r, ExpandArgs{Index: index, Levels: levels, Code: again})
		})
		got, ids := gputest.Read(t, code), ints(t, index)
		if !slices.Equal(gputest.Read(t, again), got) {
			t.Error("Expand gives other codes than Quantize")
		}
		for r := range n {
			var want int32
			basis := 1
			for c, l := range levels {
				b, _ := bounded(float64(z[r*d+c]), l)
				q := float64(got[r*d+c]) * float64(l/2)
				whole := math.Round(q)
				if math.Abs(q-whole) > 1e-5 || whole < float64(-(l/2)) || whole > float64(l-1-l/2) || !(math.Abs(b-whole) <= 0.5+4e-7*float64(l)) {
					t.Fatalf("row %d coordinate %d: level %g of %d for b = %g", r, c, q, l, b)
				}
				want += int32((int(whole) + l/2) * basis)
				basis *= l
			}
			if ids[r] != want {
				t.Fatalf("row %d: index %d, want %d", r, ids[r], want)
			}
		}
	})
}

func ints(t *testing.T, x *gpu.Tensor) []int32 {
	t.Helper()
	out, err := x.I32()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExpand(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		code := gputest.F32(t, dev, make([]float32, 10), 5, 2)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Expand(r, ExpandArgs{Index: gputest.I32(t, dev, []int32{0, 5, 11, 12, -1}, 5), Levels: []int{4, 3}, Code: code})
		})
		if got, want := gputest.Read(t, code), []float32{-1, -1, -0.5, 0, 0.5, 1, 0, 0, 0, 0}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestQuantizeGrad(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n int, levels []int) {
		d, z, dcode := len(levels), samples(n*len(levels)), gputest.Normal(2, n*len(levels))
		want, bound := make([]float64, n*d), make([]float64, n*d)
		for i := range want {
			l := levels[i%d]
			_, slope := bounded(float64(z[i]), l)
			want[i], bound[i] = float64(dcode[i])*slope/float64(l/2), 2e-6*math.Abs(float64(dcode[i]))
		}
		dz := gputest.F32(t, dev, dcode, n, d)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			QuantizeGrad(r, QuantizeGradArgs{Z: gputest.F32(t, dev, z, n, d), Levels: levels, DCode: dz, DZ: dz})
		})
		gputest.Close(t, "dz", gputest.Read(t, dz), want, bound)
	})
}

func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 19
		levels := []int{8, 5, 5}
		z := samples(n * 3)
		optest.SameRows(t, n, 3, func(m int) []float32 {
			x, dz := gputest.F32(t, dev, z[:3*m], m, 3), gputest.F32(t, dev, z[:3*m], m, 3)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Quantize(r, QuantizeArgs{Z: x, Levels: levels, Code: dz})
				QuantizeGrad(r, QuantizeGradArgs{Z: x, Levels: levels, DCode: dz, DZ: dz})
			})
			return gputest.Read(t, dz)
		})
	})
}

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		levels []int
		want   int
	}{{[]int{8, 5, 5, 5}, 1000}, {nil, 0}, {[]int{1, 2}, 0}, {[]int{1 << 16, 1 << 15}, 0}, {[]int{1 << 16, 1<<15 - 1}, 1<<31 - 1<<16}, {make([]int, 9), 0}} {
		if got := Codes(c.levels); got != c.want {
			t.Errorf("%v: %d codes, want %d", c.levels, got, c.want)
		}
	}
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		z, ids := gputest.F32(t, dev, make([]float32, 12), 6, 2), gputest.I32(t, dev, make([]int32, 6), 6)
		good := []int{3, 4}
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":    func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Levels: good, Index: ids}) },
			"levels": func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: z, Levels: []int{3}, Index: ids}) },
			"low":    func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: z, Levels: []int{3, 1}, Index: ids}) },
			"output": func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: z, Levels: good}) },
			"index":  func(r *gpu.Recorder) { Expand(r, ExpandArgs{Index: z, Levels: good, Code: z}) },
			"dcode":  func(r *gpu.Recorder) { QuantizeGrad(r, QuantizeGradArgs{Z: z, Levels: good, DZ: z}) },
		})
	})
}

func BenchmarkFSQ(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n = 65536
	levels := []int{8, 8, 8, 6, 5}
	z, ids := gputest.F32(b, dev, samples(n*5), n, 5), gputest.I32(b, dev, make([]int32, n), n)
	code := gputest.F32(b, dev, samples(n*5), n, 5)
	b.Run(fmt.Sprintf("quantize/rows=%d/levels=%v", n, levels), func(b *testing.B) {
		optest.Bench(b, dev, 4*11*n, n, func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: z, Levels: levels, Code: code, Index: ids}) })
	})
	b.Run(fmt.Sprintf("gradient/rows=%d/levels=%v", n, levels), func(b *testing.B) {
		optest.Bench(b, dev, 4*15*n, n, func(r *gpu.Recorder) { QuantizeGrad(r, QuantizeGradArgs{Z: z, Levels: levels, DCode: code, DZ: code}) })
	})
}
