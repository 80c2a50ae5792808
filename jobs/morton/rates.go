package main

import (
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// rates are FLOP/s of the work that dominates a model's time: a training's
// products, and a step's rows with f16 weights.
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
// of 2·rounds runs.
func productRate(dev *gpu.Device, m, n, k int, weights tensor.DType, repetitions int) (float64, error) {
	r := dev.NewRecorder()
	a, b, c := r.Temp(tensor.F32, m, k), r.Temp(weights, n, k), r.Temp(tensor.F32, m, n)
	r.Fill(a, gpu.F32Param(0.5))
	r.Fill(b, 0x38003800) // two f16 of 0.5; as f32 about 3e-5
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

// quickest runs a program several times and returns the shortest kernel call.
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
