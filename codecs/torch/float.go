package torch

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// Float32s returns the tensor's elements in row-major order as float32; F64 is rounded
// to nearest. The caller owns the slice. The error wraps safetensors.ErrDType if the
// type is not F16, BF16, F32 or F64, or [ErrFormat], or is the file's own.
func (t *Tensor) Float32s() ([]float32, error) {
	view := safetensors.Tensor{DType: t.DType, Shape: t.Shape}
	if _, err := view.Float32s(); err != nil { // before anything is read
		return nil, fmt.Errorf("torch.Tensor: %w", err)
	}
	var err error
	if view.Data, err = t.Bytes(); err != nil {
		return nil, err
	}
	return view.Float32s()
}
