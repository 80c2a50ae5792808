package main

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// roof is what the device can do at most, as far as we can measure it: copying
// past the caches, and our best matrix product.
type roof struct {
	BytesPerSecond float64 `json:"bytes_per_second"`
	FlopsPerSecond float64 `json:"flops_per_second"`
}

// share is the part of the roof that work in a time takes: of memory's rate or of
// arithmetic's, whichever is more. Past 1 the tensors stay in caches.
func (r roof) share(w gpu.Work, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return max(float64(w.Bytes)/seconds/r.BytesPerSecond, float64(w.Flops)/seconds/r.FlopsPerSecond)
}

func measureRoof(dev *gpu.Device) (roof, error) {
	bytes, err := dev.Roof()
	if err != nil {
		return roof{}, err
	}
	flops, err := matrixRate(dev)
	return roof{bytes, flops}, err
}

// matrixRate is the rate of the product 768x768x768 in f32, the best of six.
func matrixRate(dev *gpu.Device) (float64, error) {
	const n = 768
	var abc [3]*gpu.Tensor
	r := dev.NewRecorder()
	for i := range abc {
		x, err := dev.NewTensor(tensor.F32, n, n)
		if err != nil {
			return 0, err
		}
		defer x.Free()
		r.Fill(x, gpu.F32Param(0.5))
		abc[i] = x
	}
	for range 3 {
		matmul.Record(r, matmul.Args{Layout: matmul.NT, A: abc[0], B: abc[1], C: abc[2]})
	}
	p, err := r.Finish()
	if err != nil {
		return 0, err
	}
	defer p.Free()
	if err := p.Run(1); err != nil { // compiles
		return 0, err
	}
	prof, err := dev.StartProfile()
	if err != nil {
		return 0, err
	}
	err = p.Run(2)
	prof.Stop()
	if err != nil {
		return 0, err
	}
	best := 0.0
	for _, s := range prof.Spans() {
		if s.Kernel != "fill" && s.Took > 0 {
			best = max(best, 2*n*n*n/s.Took.Seconds())
		}
	}
	return best, nil
}
