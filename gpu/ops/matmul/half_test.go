package matmul

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

// halfCase is a product with B, and maybe A and C, of 16 bits.
type halfCase struct {
	Layout
	dtype tensor.DType
	s     shape
	a, c  bool // of dtype too
	onCPU bool
	coop  Coop
}

func (h halfCase) String() string {
	return fmt.Sprintf("%v/%v/m=%d/n=%d/k=%d/a=%v/c=%v/cpu=%v", h.Layout, h.dtype, h.s.m, h.s.n, h.s.k, h.a, h.c, h.onCPU)
}

// rounded puts x on the device in a type of 16 bits, and its values there in f32.
func rounded(t *testing.T, dev *gpu.Device, dt tensor.DType, x []float32, dims [2]int) (short, wide *gpu.Tensor) {
	t.Helper()
	_, _, exact := stored(t, dt, x, dims[0], dims[1])
	short, _ = upload(t, dev, dt, x, dims[0], dims[1])
	return short, gputest.F32(t, dev, exact, dims[0], dims[1])
}

// halfCases cover a low and a high tile of each layout, ends of rows, columns and k, and a
// k that is split; in exhaustive tests every tile height. A tile of 32 rows compiles for
// 8 to 12 s (AMD EPYC with AVX2, Mesa 25.0.7), one of 8 rows for 2 s.
func halfCases() (out []halfCase) {
	add := func(l Layout, dt tensor.DType, a bool, shapes ...shape) {
		for _, s := range shapes {
			out = append(out, halfCase{Layout: l, dtype: dt, s: s, a: a, onCPU: true})
			if s.m > 32 {
				out = append(out, halfCase{Layout: l, dtype: dt, s: s, a: a})
			}
		}
	}
	few, tall, long := shape{3, 34, 50}, shape{67, 31, 131}, shape{5, 12, 2050}
	if !gputest.Exhaustive() {
		add(NT, tensor.BF16, true, few)
		add(NN, tensor.BF16, true, few)
		add(TN, tensor.BF16, true, long)
		return append(out, halfCase{NT, tensor.F16, shape{3, 66, 64}, true, true, true, NoCoop})
	}
	add(NT, tensor.BF16, true, shape{1, 6, 8}, few, shape{7, 70, 36}, shape{12, 10, 130}, shape{40, 66, 64})
	add(NN, tensor.BF16, true, few, tall)
	add(TN, tensor.BF16, true, few, tall, long)
	add(NN, tensor.F16, false, few, tall)
	add(TN, tensor.F16, false, few, tall)
	add(TN, tensor.F16, true, tall)
	for _, onCPU := range []bool{true, false} {
		s := shape{40, 66, 64}
		out = append(out, halfCase{NT, tensor.F16, s, true, true, onCPU, NoCoop}, halfCase{NN, tensor.BF16, s, true, true, onCPU, NoCoop})
	}
	return out
}

// TestHalvesGiveTheBitsOfTheirValues holds products of 16-bit operands to the bits
// of the same product in f32, which other tests hold to float64, and a C of 16 bits
// to that rounded.
func TestHalvesGiveTheBitsOfTheirValues(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, h := range halfCases() {
			t.Run(h.String(), func(t *testing.T) { h.test(t, dev) })
		}
	})
}

func up4(x int) int { return (x + 3) &^ 3 }

func (h halfCase) test(t *testing.T, dev *gpu.Device) {
	as, bs := operandShapes(h.Layout, h.s)
	as[1], bs[1] = up4(as[1]), up4(bs[1])
	b, wideB := rounded(t, dev, h.dtype, gputest.Normal(2, bs[0]*bs[1]), bs)
	a, wideA := rounded(t, dev, h.dtype, gputest.Normal(1, as[0]*as[1]), as)
	if !h.a {
		a = wideA
	}
	c, want := gputest.Normal(3, h.s.m*h.s.n), gputest.Normal(3, h.s.m*h.s.n)
	args := Args{Layout: h.Layout, Coop: h.coop, Alpha: 0.5, Add: !h.c, M: h.s.m, N: h.s.n, K: h.s.k, Bias: gputest.F32(t, dev, gputest.Normal(4, h.s.n), h.s.n)}
	if h.c {
		args.Act = SiLU
	}
	product := func(a, b *gpu.Tensor, c []float32, dt tensor.DType) []float32 {
		args.A, args.B = a, b
		out := gputest.F32(t, dev, c, h.s.m, h.s.n)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			args.C = out
			if dt != tensor.F32 {
				args.C = r.Temp(dt, h.s.m, h.s.n)
			}
			record(r, args, h.onCPU)
			if dt != tensor.F32 {
				elementwise.Widen(r, elementwise.WidenArgs{X: args.C, Out: out})
			}
		})
		return gputest.Read(t, out)
	}
	want = product(wideA, wideB, want, tensor.F32)
	if h.c {
		c = product(a, b, c, h.dtype)
		want = narrowedBy(t, dev, h.dtype, want)
	} else {
		c = product(a, b, c, tensor.F32)
	}
	for i := range want {
		if math.Float32bits(c[i]) != math.Float32bits(want[i]) {
			t.Fatalf("element %d is %x, of f32 operands %x", i, math.Float32bits(c[i]), math.Float32bits(want[i]))
		}
	}
}

// narrowedBy rounds x to a type of 16 bits and back.
func narrowedBy(t *testing.T, dev *gpu.Device, dt tensor.DType, x []float32) []float32 {
	out := gputest.F32(t, dev, x, len(x))
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		short := r.Temp(dt, len(x))
		elementwise.Narrow(r, elementwise.NarrowArgs{X: out, Out: short})
		elementwise.Widen(r, elementwise.WidenArgs{X: short, Out: out})
	})
	return gputest.Read(t, out)
}
