package launch

import "github.com/morton-gen/morton/gpu"

// Work is that of a call which does so many floating-point operations and moves each of
// the tensors once: one that it reads and writes is named twice, nil is nothing.
func Work(flops int, moved ...*gpu.Tensor) gpu.Work {
	w := gpu.Work{Flops: int64(flops)}
	for _, t := range moved {
		if t != nil {
			w.Bytes += int64(t.SizeBytes())
		}
	}
	return w
}

// Again is t if an operation adds to it, which reads it too, else nil.
func Again(adds bool, t *gpu.Tensor) *gpu.Tensor {
	if adds {
		return t
	}
	return nil
}
