package matmul

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

type shape struct{ m, n, k int }

var shapes = []shape{{1, 64, 64}, {1, 5, 2}, {2, 33, 18}, {5, 96, 40}, {8, 64, 256}, {17, 70, 64}, {32, 128, 96}, {67, 31, 130}, {64, 64, 512}, {35, 3, 65}, {8, 40, 2051}}

// oracle computes one product in float64, and the sum of magnitudes its error
// bound needs.
func oracle(l Layout, m, n, k int, a, b []float32, lda, ldb int) (c, mag []float64) {
	c, mag = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for q := range k {
				ai, bi := i*lda+q, q*ldb+j
				if l == TN {
					ai = q*lda + i
				}
				if l == NT {
					bi = j*ldb + q
				}
				x := float64(a[ai]) * float64(b[bi])
				c[i*n+j] += x
				mag[i*n+j] += math.Abs(x)
			}
		}
	}
	return c, mag
}

func operandShapes(l Layout, s shape) (a, b [2]int) {
	switch l {
	case NT:
		return [2]int{s.m, s.k}, [2]int{s.n, s.k}
	case NN:
		return [2]int{s.m, s.k + s.k%2}, [2]int{s.k, s.n + s.n%2}
	}
	return [2]int{s.k, s.m + s.m%2}, [2]int{s.k, s.n + s.n%2}
}

func TestRecordMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range []Layout{NT, NN, TN} {
			for _, s := range shapes {
				for _, onCPU := range []bool{true, false} {
					if !onCPU && l != NN && !gputest.Exhaustive() {
						continue // tile.comp is one source for all layouts
					}
					t.Run(fmt.Sprintf("%v/m=%d/n=%d/k=%d/cpu=%v", l, s.m, s.n, s.k, onCPU), func(t *testing.T) { testProduct(t, dev, l, s, onCPU) })
				}
			}
		}
	})
}

func testProduct(t *testing.T, dev *gpu.Device, l Layout, s shape, onCPU bool) {
	if l == NT {
		s.k += s.k % 2
	}
	as, bs := operandShapes(l, s)
	a, b := gputest.Normal(1, as[0]*as[1]), gputest.Normal(2, bs[0]*bs[1])
	c0, bias := gputest.Normal(3, s.m*s.n), gputest.Normal(4, s.n)
	want, mag := oracle(l, s.m, s.n, s.k, a, b, as[1], bs[1])
	bound := make([]float64, len(want))
	for i := range want {
		want[i] = 0.5*want[i] + float64(bias[i%s.n]) + float64(c0[i])
		bound[i] = float64(s.k+4) * gputest.Eps * (0.5*mag[i] + math.Abs(float64(bias[i%s.n])) + math.Abs(float64(c0[i])))
	}
	gputest.Close(t, "c", product(t, dev, Args{Layout: l}, s, a, b, bias, c0, onCPU), want, bound)
}

// product returns c0 + 0.5·A·B + bias, in the layout and by the means of args.
func product(t *testing.T, dev *gpu.Device, args Args, s shape, a, b, bias, c0 []float32, onCPU bool) []float32 {
	t.Helper()
	as, bs := operandShapes(args.Layout, s)
	args.A, args.B = gputest.F32(t, dev, a, as[0], as[1]), gputest.F32(t, dev, b, bs[0], bs[1])
	args.C, args.Bias = gputest.F32(t, dev, c0, s.m, s.n), gputest.F32(t, dev, bias, s.n)
	args.M, args.N, args.K, args.Alpha, args.Add = s.m, s.n, s.k, 0.5, true
	gputest.Run(t, dev, func(r *gpu.Recorder) { record(r, args, onCPU) })
	return gputest.Read(t, args.C)
}

// The [t, heads·dh] matrices of testHeads.
const headBatch, headRows, heads, headDim = 2, 12, 3, 16

// TestBatchedHeads multiplies slices of a [t, heads·dh] matrix, as attention does.
func TestBatchedHeads(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		testHeads(t, dev, NoCoop, headDim+2, func(x []float32) []float32 { return x })
	})
}

// testHeads holds the products of heads to float64 of what counts as their operands,
// with so many roundings in a sum.
func testHeads(t *testing.T, dev *gpu.Device, coop Coop, roundings float64, counts func(head []float32) []float32) {
	const b, n, h, dh = headBatch, headRows, heads, headDim
	q, k := gputest.Normal(1, b*n*h*dh), gputest.Normal(2, b*n*h*dh)
	s := gputest.F32(t, dev, make([]float32, b*h*n*n), b, h, n, n)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Record(r, Args{
			Layout: NT, A: gputest.F32(t, dev, q, b*n, h*dh), B: gputest.F32(t, dev, k, b*n, h*dh), C: s,
			M: n, N: n, K: dh, LDC: n, Batch: b * h, Inner: h, Coop: coop,
			StrideA: [2]int{n * h * dh, dh}, StrideB: [2]int{n * h * dh, dh}, StrideC: [2]int{h * n * n, n * n},
		})
	})
	got := gputest.Read(t, s)
	for z := range b * h {
		off := z/h*n*h*dh + z%h*dh
		want, bound := oracle(NT, n, n, dh, counts(q[off:]), counts(k[off:]), h*dh, h*dh)
		for i := range bound {
			bound[i] *= roundings * gputest.Eps
		}
		gputest.Close(t, fmt.Sprint("head ", z), got[z*n*n:(z+1)*n*n], want, bound)
	}
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 64), 8, 8)
		short := gputest.F32(t, dev, make([]float32, 8), 8)
		h, _ := upload(t, dev, tensor.F16, make([]float32, 64), 8, 8)
		bh, _ := upload(t, dev, tensor.BF16, make([]float32, 64), 8, 8)
		wide := gputest.F32(t, dev, make([]float32, 32*32), 32, 32)
		q, scale := upload(t, dev, tensor.I8, make([]float32, 32*32), 32, 32)
		for name, a := range map[string]Args{
			"short C": {A: x, B: x, C: short, M: 8, N: 8},
			"odd k":   {A: x, B: x, C: x, K: 7},
			"bias":    {A: x, B: x, C: x, Bias: x},

			"f16 A":                {A: h, B: x, C: x},
			"f16 C":                {A: x, B: x, C: h},
			"bf16 beside f16":      {A: bh, B: h, C: x},
			"i8 of NN":             {Layout: NN, A: wide, B: q, C: wide, Scale: scale},
			"f16 C added to":       {A: h, B: h, C: h, Add: true},
			"f16 C of TN":          {Layout: TN, A: h, B: h, C: h},
			"odd f16 C":            {A: h, B: h, C: h, N: 7},
			"f16 A at 4 bytes":     {A: h, B: h, C: x, LDA: 6, M: 2},
			"norm of f16":          {A: h, B: h, C: x, NormEps: 1e-6},
			"f16 rows at 4 bytes":  {A: x, B: h, C: x, LDB: 6, K: 6, N: 2},
			"no scales":            {A: wide, B: q, C: wide},
			"scales of floats":     {A: wide, B: wide, C: wide, Scale: scale},
			"short scales":         {A: wide, B: q, C: wide, Scale: x},
			"short packed B":       {A: wide, B: q, C: gputest.F32(t, dev, make([]float32, 32*33), 32, 33), Scale: scale},
			"half a group":         {A: wide, B: q, C: wide, Scale: scale, K: 16},
			"gate without up rows": {A: x, B: x, C: x, Gated: true},
			"gate of TN":           {Layout: TN, A: x, B: x, C: x, Gated: true},
			"norm of NN":           {Layout: NN, A: x, B: x, C: x, NormEps: 1e-6},
			"gate and activation":  {A: x, B: x, C: gputest.F32(t, dev, make([]float32, 32), 8, 4), Gated: true, Act: SiLU},
		} {
			rec := dev.NewRecorder()
			Record(rec, a)
			if _, err := rec.Finish(); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("%s: error %v, want one of shape", name, err)
			}
		}
	})
}
