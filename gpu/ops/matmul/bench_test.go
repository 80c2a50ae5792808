package matmul

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// BenchmarkRecord measures layers and gradients: GFLOP/s, weights read a second.
// A fused layer has the norm before it and the gate after it.
func BenchmarkRecord(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, l := range []Layout{NT, NN, TN} {
		benchProduct(b, dev, tensor.F32, shape{768, 768, 768}, Args{Layout: l})
	}
	if !dev.OnCPU() {
		for _, dt := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			benchProduct(b, dev, dt, shape{4096, 4096, 4096}, Args{})
		}
	}
	benchProduct(b, dev, tensor.F32, shape{32, 32, 8192}, Args{Layout: TN})
	for _, dt := range weightTypes {
		for _, m := range []int{1, 4, 8, 16, 32} {
			benchProduct(b, dev, dt, shape{m, 4096, 4096}, Args{})
		}
		benchProduct(b, dev, dt, shape{1, 4096, 4096}, Args{Gated: true, NormEps: 1e-6, N: 2048})
		benchProduct(b, dev, dt, shape{1, 768, 768}, Args{})
	}
}

// BenchmarkCoop measures cooperative matrices beside the kernels that run without.
func BenchmarkCoop(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	if _, err := dev.CoopMatrix(); err != nil {
		b.Skipf("not run: %v", err)
	}
	for _, l := range []Layout{NT, NN, TN} {
		benchProduct(b, dev, tensor.F32, shape{768, 768, 768}, Args{Layout: l})
		benchProduct(b, dev, tensor.F32, shape{768, 768, 768}, Args{Layout: l, Coop: MustCoop})
	}
	benchProduct(b, dev, tensor.F16, shape{768, 768, 768}, Args{})
	benchProduct(b, dev, tensor.F16, shape{768, 768, 768}, Args{Coop: MustCoop})
	if !dev.OnCPU() {
		benchProduct(b, dev, tensor.F16, shape{4096, 4096, 4096}, Args{Coop: MustCoop})
	}
}

func benchProduct(b *testing.B, dev *gpu.Device, dt tensor.DType, s shape, args Args) {
	name := fmt.Sprintf("%v/%v/m=%d/n=%d/k=%d", args.Layout, dt, s.m, s.n, s.k)
	if args.Gated {
		name += "/fused"
	}
	if args.Coop != NoCoop {
		name += "/coop"
	}
	b.Run(name, func(b *testing.B) {
		as, bs := operandShapes(args.Layout, s)
		x := gputest.F32(b, dev, gputest.Normal(1, as[0]*as[1]), as[0], as[1])
		w, scale := upload(b, dev, dt, gputest.Normal(2, bs[0]*bs[1]), bs[0], bs[1])
		c := gputest.F32(b, dev, make([]float32, s.m*s.n), s.m, s.n)
		for _, t := range []*gpu.Tensor{x, w, scale, c} {
			defer t.Free()
		}
		args.A, args.B, args.Scale, args.C = x, w, scale, c
		timeProduct(b, dev, args, s)
	})
}

// BenchmarkHalves measures products whose operands both have 16 bits, as in training
// of mixed precision.
func BenchmarkHalves(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n = 768
	for _, l := range []Layout{NT, NN, TN} {
		for _, dt := range []tensor.DType{tensor.F16, tensor.BF16} {
			b.Run(fmt.Sprintf("%v/%v/m=%d/n=%d/k=%d", l, dt, n, n, n), func(b *testing.B) {
				x, _ := upload(b, dev, dt, gputest.Normal(1, n*n), n, n)
				y, _ := upload(b, dev, dt, gputest.Normal(2, n*n), n, n)
				timeProduct(b, dev, Args{Layout: l, A: x, B: y, C: gputest.F32(b, dev, make([]float32, n*n), n, n)}, shape{n, n, n})
			})
		}
	}
}

func timeProduct(b *testing.B, dev *gpu.Device, a Args, s shape) {
	b.Helper()
	rec := dev.NewRecorder()
	Record(rec, a)
	p, err := rec.Finish()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Free()
	if err := p.Run(1); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(a.A.SizeBytes() + a.B.SizeBytes() + a.C.SizeBytes()))
	b.ReportAllocs()
	report := gputest.Processor(b)
	for b.Loop() {
		if err := p.Run(1); err != nil {
			b.Fatal(err)
		}
	}
	report()
	weights := float64(s.n) * float64(s.k) * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(2*float64(s.m)*weights/1e9, "GFLOP/s")
	b.ReportMetric(weights/1e9, "Gweights/s")
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
