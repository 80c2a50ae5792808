package main

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// roof is the device's best measured rate: copying past the caches, and our
// best matrix product.
type roof struct {
	BytesPerSecond float64 `json:"bytes_per_second"`
	FlopsPerSecond float64 `json:"flops_per_second"`
}

// share returns the larger fraction of the two roofs, memory and arithmetic, and
// which it is. Above 1 the tensors stay in caches.
func (r roof) share(w gpu.Work, seconds float64) (of float64, bound string) {
	if seconds <= 0 {
		return 0, "-"
	}
	memory, arithmetic := float64(w.Bytes)/seconds/r.BytesPerSecond, float64(w.Flops)/seconds/r.FlopsPerSecond
	if arithmetic > memory {
		return arithmetic, "arithmetic"
	}
	return memory, "memory"
}

func measureRoof(dev *gpu.Device) (roof, error) {
	bytes, err := dev.Roof()
	if err != nil {
		return roof{}, err
	}
	flops, err := productRate(dev, 768, 768, 768, tensor.F32, 3)
	return roof{bytes, flops}, err
}
