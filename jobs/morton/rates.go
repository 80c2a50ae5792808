package main

import (
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// rates are the floating-point operations a second of what a model spends its time
// on: a training's products, and the rows of a step with f16 weights.
type rates struct {
	Product float64 `json:"product"` // 768x768x768 in f32
	Row     float64 `json:"row"`     // 1 row and 2048x2048 weights
	Rows8   float64 `json:"rows_8"`
	Rows32  float64 `json:"rows_32"`
}

func measureRates(dev *gpu.Device) (r rates, err error) {
	const n = 2048
	for _, x := range []struct {
		to          *float64
		m, n, k     int
		weights     tensor.DType
		repetitions int
	}{
		{&r.Product, 768, 768, 768, tensor.F32, 3},
		{&r.Row, 1, n, n, tensor.F16, 20},
		{&r.Rows8, 8, n, n, tensor.F16, 10},
		{&r.Rows32, 32, n, n, tensor.F16, 5},
	} {
		if *x.to, err = productRate(dev, x.m, x.n, x.k, x.weights, x.repetitions); err != nil {
			return r, err
		}
	}
	return r, nil
}

// productRate is the rate of a product of [m, k] in f32 with weights [n, k], the best
// of twice as many as asked for.
func productRate(dev *gpu.Device, m, n, k int, weights tensor.DType, repetitions int) (float64, error) {
	r := dev.NewRecorder()
	a, b, c := r.Temp(tensor.F32, m, k), r.Temp(weights, n, k), r.Temp(tensor.F32, m, n)
	r.Fill(a, gpu.F32Param(0.5))
	r.Fill(b, 0x38003800) // two halves of 0.5; in f32 some 3e-5
	for range repetitions {
		matmul.Record(r, matmul.Args{Layout: matmul.NT, A: a, B: b, C: c})
	}
	p, err := r.Finish()
	if err != nil {
		return 0, err
	}
	defer p.Free()
	if err := p.Run(1); err != nil { // compiles
		return 0, err
	}
	took, err := quickest(dev, p, 2)
	return 2 * float64(m) * float64(n) * float64(k) / took.Seconds(), err
}

// quickest runs a program some times and returns the shortest call of a kernel in it.
func quickest(dev *gpu.Device, p *gpu.Program, times int) (time.Duration, error) {
	prof, err := dev.StartProfile()
	if err != nil {
		return 0, err
	}
	err = p.Run(times)
	prof.Stop()
	best := time.Hour
	for _, s := range prof.Spans() {
		if s.Kernel != "fill" && s.Took > 0 {
			best = min(best, s.Took)
		}
	}
	return best, err
}
