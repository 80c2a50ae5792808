package torch

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// Float32s returns the tensor's elements in row-major order, read from the file and
// widened; those of F64 are rounded to nearest. The caller owns the slice. The error
// wraps [ErrDType] if the type is not F16, BF16, F32 or F64, else [ErrFormat] or the
// file's own.
func (t *Tensor) Float32s() ([]float32, error) {
	widen, ok := wideners[t.DType]
	if !ok {
		return nil, fmt.Errorf("torch.Tensor: %w: %v is not read as f32", ErrDType, t.DType)
	}
	raw, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(raw)/t.DType.SizeBytes())
	widen(out, raw)
	return out, nil
}

// wideners convert little-endian elements, as many as the destination holds.
var wideners = map[DType]func(dst []float32, src []byte){
	F16: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = safetensors.F16ToFloat32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	},
	BF16: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = safetensors.BF16ToFloat32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	},
	F32: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	},
	F64: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	},
}
