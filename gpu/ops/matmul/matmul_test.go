package matmul

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

type shape struct{ m, n, k int }

var shapes = []shape{{1, 64, 64}, {1, 5, 2}, {2, 33, 18}, {5, 96, 40}, {8, 64, 256}, {17, 70, 64}, {32, 128, 96}, {67, 31, 130}, {64, 64, 512}}

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
		return [2]int{s.m, s.k}, [2]int{s.k, s.n + s.n%2}
	}
	return [2]int{s.k, s.m + s.m%2}, [2]int{s.k, s.n + s.n%2}
}

func TestRecordMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range []Layout{NT, NN, TN} {
			for _, s := range shapes {
				t.Run(fmt.Sprintf("%v/m=%d/n=%d/k=%d", l, s.m, s.n, s.k), func(t *testing.T) { testProduct(t, dev, l, s) })
			}
		}
	})
}

func testProduct(t *testing.T, dev *gpu.Device, l Layout, s shape) {
	as, bs := operandShapes(l, s)
	a, b := gputest.Normal(1, as[0]*as[1]), gputest.Normal(2, bs[0]*bs[1])
	c0, bias := gputest.Normal(3, s.m*s.n), gputest.Normal(4, s.n)
	want, mag := oracle(l, s.m, s.n, s.k, a, b, as[1], bs[1])
	bound := make([]float64, len(want))
	for i := range want {
		want[i] = 0.5*want[i] + float64(bias[i%s.n]) + float64(c0[i])
		bound[i] = float64(s.k+4) * gputest.Eps * (0.5*mag[i] + math.Abs(float64(bias[i%s.n])) + math.Abs(float64(c0[i])))
	}
	c := gputest.F32(t, dev, c0, s.m, s.n)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Record(r, Args{
			Layout: l, A: gputest.F32(t, dev, a, as[0], as[1]), B: gputest.F32(t, dev, b, bs[0], bs[1]), C: c,
			Bias: gputest.F32(t, dev, bias, s.n), Alpha: 0.5, Add: true, N: s.n, M: s.m,
		})
	})
	gputest.Close(t, "c", gputest.Read(t, c), want, bound)
}

// TestBatchedHeads multiplies slices of a [t, heads·dh] matrix, as attention does.
func TestBatchedHeads(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const b, n, h, dh = 2, 12, 3, 16
		q, k := gputest.Normal(1, b*n*h*dh), gputest.Normal(2, b*n*h*dh)
		s := gputest.F32(t, dev, make([]float32, b*h*n*n), b, h, n, n)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Record(r, Args{
				Layout: NT, A: gputest.F32(t, dev, q, b*n, h*dh), B: gputest.F32(t, dev, k, b*n, h*dh), C: s,
				M: n, N: n, K: dh, LDC: n, Batch: b * h, Inner: h,
				StrideA: [2]int{n * h * dh, dh}, StrideB: [2]int{n * h * dh, dh}, StrideC: [2]int{h * n * n, n * n},
			})
		})
		got := gputest.Read(t, s)
		for z := range b * h {
			off := z/h*n*h*dh + z%h*dh
			want, mag := oracle(NT, n, n, dh, q[off:], k[off:], h*dh, h*dh)
			bound := make([]float64, len(want))
			for i := range bound {
				bound[i] = (dh + 2) * gputest.Eps * mag[i]
			}
			gputest.Close(t, fmt.Sprint("head ", z), got[z*n*n:(z+1)*n*n], want, bound)
		}
	})
}

// TestRowsDoNotDependOnTheirCompany is the contract that lets requests share a
// batch: the bits of a row are those it has alone.
func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, k, most = 96, 192, 40
		x, w := gputest.Normal(1, most*k), gputest.F32(t, dev, gputest.Normal(2, n*k), n, k)
		product := func(m int) []float32 {
			c := gputest.F32(t, dev, make([]float32, m*n), m, n)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Record(r, Args{Layout: NT, A: gputest.F32(t, dev, x[:m*k], m, k), B: w, C: c})
			})
			return gputest.Read(t, c)
		}
		all := product(most)
		for m := 1; m < most; m++ {
			for i, v := range product(m) {
				if math.Float32bits(v) != math.Float32bits(all[i]) {
					t.Fatalf("m=%d: element %d is %x, with %d rows %x", m, i, math.Float32bits(v), most, math.Float32bits(all[i]))
				}
			}
		}
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 64), 8, 8)
		short := gputest.F32(t, dev, make([]float32, 8), 8)
		for name, a := range map[string]Args{
			"short C": {A: x, B: x, C: short, M: 8, N: 8},
			"odd k":   {A: x, B: x, C: x, K: 7},
			"bias":    {A: x, B: x, C: x, Bias: x},
		} {
			rec := dev.NewRecorder()
			Record(rec, a)
			if _, err := rec.Finish(); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, l := range []Layout{NT, NN, TN} {
		for _, s := range []shape{{768, 768, 768}, {1, 1024, 1024}, {8, 1024, 1024}, {32, 1024, 1024}} {
			if l != NT && s.m < 32 {
				continue
			}
			b.Run(fmt.Sprintf("%v/m=%d/n=%d/k=%d", l, s.m, s.n, s.k), func(b *testing.B) { benchProduct(b, dev, l, s) })
		}
	}
}

func benchProduct(b *testing.B, dev *gpu.Device, l Layout, s shape) {
	as, bs := operandShapes(l, s)
	x, w := gputest.F32(b, dev, gputest.Normal(1, as[0]*as[1]), as[0], as[1]), gputest.F32(b, dev, gputest.Normal(2, bs[0]*bs[1]), bs[0], bs[1])
	c, err := dev.NewTensor(tensor.F32, s.m, s.n)
	if err != nil {
		b.Fatal(err)
	}
	rec := dev.NewRecorder()
	Record(rec, Args{Layout: l, A: x, B: w, C: c})
	p, err := rec.Finish()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Free()
	if err := p.Run(1); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(4 * (s.m*s.k + s.n*s.k + s.m*s.n)))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Run(1); err != nil {
			b.Fatal(err)
		}
	}
	flops := 2 * float64(s.m) * float64(s.n) * float64(s.k)
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkGonum is the peer inside Go's own world; OpenBLAS stands in
// docs/benchmarks.
func BenchmarkGonum(b *testing.B) {
	const n = 768
	x := blas32.General{Rows: n, Cols: n, Stride: n, Data: gputest.Normal(1, n*n)}
	y := blas32.General{Rows: n, Cols: n, Stride: n, Data: gputest.Normal(2, n*n)}
	z := blas32.General{Rows: n, Cols: n, Stride: n, Data: make([]float32, n*n)}
	for b.Loop() {
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, x, y, 0, z)
	}
	b.ReportMetric(2*n*n*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
