package gray

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

var plans = [][]int{{1}, {8, 1}, {7, 6, 5, 4, 3, 2, 1, 1}, {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}}

// oracle quantizes in float64. edge is how far tanh(z) is from the nearest edge of a
// level, in levels.
func oracle(bits []int, z []float32) (code []float64, gray [][]bool, edge []float64) {
	for i, x := range z {
		b := bits[i%len(bits)]
		l := float64(int(1) << b)
		at := (math.Tanh(float64(x)) + 1) / 2 * l
		q := min(max(math.Floor(at), 0), l-1)
		code = append(code, math.Atanh((2*q+1)/l-1))
		edge = append(edge, math.Abs(at-math.Round(at))/l)
		// The reflected code, built as its definition says.
		word := make([]bool, 0, b)
		for lo, hi, flip := 0.0, l, false; hi-lo > 1; {
			mid := (lo + hi) / 2
			upper := q >= mid
			word = append(word, upper != flip)
			if upper {
				lo, flip = mid, true
			} else {
				hi, flip = mid, false
			}
		}
		gray = append(gray, word)
	}
	return code, gray, edge
}

func pack(bits []int, gray [][]bool, words int) []int32 {
	out := make([]int32, len(gray)/len(bits)*words)
	at := 0
	for i, word := range gray {
		if i%len(bits) == 0 {
			at = 0
		}
		for _, on := range word {
			if on {
				out[i/len(bits)*words+at/32] |= int32(uint32(1) << (at % 32))
			}
			at++
		}
	}
	return out
}

// input is normal values, none nearer to an edge than tanh's error.
func input(bits []int, n int) []float32 {
	z := gputest.Normal(uint64(len(bits)), n*len(bits))
	for i := range z {
		z[i] *= 1.5
		for _, _, edge := oracle(bits[i%len(bits):i%len(bits)+1], z[i:i+1]); edge[0] < 1e-6; _, _, edge = oracle(bits[i%len(bits):i%len(bits)+1], z[i:i+1]) {
			z[i] += 1e-3
		}
	}
	return z
}

func eachPlan(t *testing.T, body func(t *testing.T, dev *gpu.Device, p *Plan, bits []int)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, bits := range plans {
			t.Run(fmt.Sprint(bits), func(t *testing.T) {
				p, err := NewPlan(dev, bits)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Free()
				body(t, dev, p, bits)
			})
		}
	})
}

func words(t *testing.T, dev *gpu.Device, x []int32) *gpu.Tensor {
	t.Helper()
	out, err := dev.NewTensor(tensor.U32, len(x))
	if err == nil {
		t.Cleanup(out.Free)
		err = out.WriteI32(x)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestQuantizeMatchesOracle(t *testing.T) {
	const n = 37
	eachPlan(t, func(t *testing.T, dev *gpu.Device, p *Plan, bits []int) {
		z := input(bits, n)
		code, gray, _ := oracle(bits, z)
		want := pack(bits, gray, p.Words())
		bound := make([]float64, len(code))
		for i, x := range code {
			bound[i] = 8*gputest.Eps*math.Abs(x) + 1.0/(1<<20) // of the logarithm
		}
		x := gputest.F32(t, dev, z, n, len(bits))
		out, back, packed := gputest.F32(t, dev, z, n, len(bits)), gputest.F32(t, dev, z, n, len(bits)), words(t, dev, make([]int32, n*p.Words()))
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Quantize(r, QuantizeArgs{Z: x, Plan: p, Code: out, Bits: packed})
			Expand(r, ExpandArgs{Bits: packed, Plan: p, Code: back})
		})
		gputest.Close(t, "code", gputest.Read(t, out), code, bound)
		if got, err := packed.I32(); err != nil || !slices.Equal(got, want) {
			t.Errorf("bits %x, want %x: %v", got, want, err)
		}
		if !slices.Equal(gputest.Read(t, back), gputest.Read(t, out)) {
			t.Error("expanded bits are not the code")
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: x, Plan: p, Code: x}) })
		if !slices.Equal(gputest.Read(t, x), gputest.Read(t, out)) {
			t.Error("in place differs")
		}
	})
}

// TestNeighboursDifferInOneBit goes through the levels of a coordinate.
func TestNeighboursDifferInOneBit(t *testing.T) {
	eachPlan(t, func(t *testing.T, dev *gpu.Device, p *Plan, bits []int) {
		if p.Words() > 1 {
			return
		}
		all := make([]int32, 1<<p.Bits())
		for i := range all {
			all[i] = int32(i)
		}
		all = all[:min(len(all), 4096)]
		code := gputest.F32(t, dev, make([]float32, len(all)*len(bits)), len(all), len(bits))
		again := words(t, dev, make([]int32, len(all)))
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Expand(r, ExpandArgs{Bits: words(t, dev, all), Plan: p, Code: code})
			Quantize(r, QuantizeArgs{Z: code, Plan: p, Bits: again})
		})
		if got, err := again.I32(); err != nil || !slices.Equal(got, all) {
			t.Errorf("a level's value is not of that level: %v", err)
		}
		if len(bits) > 1 {
			return
		}
		values := gputest.Read(t, code)
		order := slices.Clone(all)
		slices.SortFunc(order, func(a, b int32) int {
			if values[a] < values[b] {
				return -1
			}
			return 1
		})
		for i := 1; i < len(order); i++ {
			if x := order[i] ^ order[i-1]; x&(x-1) != 0 {
				t.Errorf("levels %d and %d differ in bits %b", i-1, i, x)
			}
		}
	})
}

func TestGradientIsStraightThrough(t *testing.T) {
	const n = 19
	eachPlan(t, func(t *testing.T, dev *gpu.Device, p *Plan, bits []int) {
		z, d := gputest.Normal(3, n*len(bits)), gputest.Normal(4, n*len(bits))
		want, stopped := slices.Clone(d), 0
		for i := range z {
			z[i] *= 3
			limit := 2 * math.Atanh(1-1/float64(int(1)<<bits[i%len(bits)]))
			if math.Abs(math.Abs(float64(z[i]))-limit) < 1e-4 {
				z[i] = 0
			}
			if math.Abs(float64(z[i])) > limit && d[i]*z[i] < 0 {
				want[i] = 0
				stopped++
			}
		}
		if stopped == 0 {
			t.Fatal("nothing lies outside")
		}
		x, dz := gputest.F32(t, dev, d, n, len(bits)), gputest.F32(t, dev, z, n, len(bits))
		gputest.Run(t, dev, func(r *gpu.Recorder) { QuantizeGrad(r, QuantizeGradArgs{Z: dz, Plan: p, DCode: x, DZ: dz}) })
		if got := gputest.Read(t, dz); !slices.Equal(got, want) {
			t.Errorf("gradient %v, want %v", got, want)
		}
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, bits := range [][]int{nil, {0}, {9}, {3, -1}} {
			if _, err := NewPlan(dev, bits); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("plan %v: %v", bits, err)
			}
		}
		p, err := NewPlan(dev, []int{2, 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		x, y := gputest.F32(t, dev, make([]float32, 6), 3, 2), gputest.F32(t, dev, make([]float32, 9), 3, 3)
		optest.Refused(t, dev, map[string]func(r *gpu.Recorder){
			"no plan":     func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: x, Code: x}) },
			"no output":   func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: x, Plan: p}) },
			"coordinates": func(r *gpu.Recorder) { Quantize(r, QuantizeArgs{Z: y, Plan: p, Code: y}) },
			"float bits":  func(r *gpu.Recorder) { Expand(r, ExpandArgs{Bits: x, Plan: p, Code: x}) },
			"gradient":    func(r *gpu.Recorder) { QuantizeGrad(r, QuantizeGradArgs{Z: x, Plan: p, DCode: y, DZ: x}) },
		})
	})
}
