package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// F16ToFloat32 returns the exact value of a binary16 number. A NaN keeps its
// payload.
func F16ToFloat32(bits uint16) float32 {
	sign := uint32(bits>>15) << 31
	exp := uint32(bits>>10) & 31
	frac := uint32(bits) & 1023
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
	v := float32(frac) / (1 << 24) // zero or subnormal: frac · 2^-24, exact
	return math.Float32frombits(sign | math.Float32bits(v))
}

// Float32ToF16 returns the binary16 number nearest to x, ties to even. Overflow
// gives infinity, and a NaN becomes a quiet NaN.
func Float32ToF16(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b>>16) & 0x8000
	b &= 1<<31 - 1
	switch {
	case b > 0xff<<23: // NaN: keep the upper bits of the payload, set the quiet bit
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 143<<23: // 2^16 or more
		return sign | 0x7c00
	case b >= 113<<23: // normal: 2^-14 or more; a carry may reach infinity
		return sign | uint16(roundShift(b-112<<23, 13))
	case b < 102<<23: // under 2^-25: nearer to 0 than to the least subnormal
		return sign
	}
	// Subnormal: the significand in units of 2^-24.
	exp := b >> 23
	return sign | uint16(roundShift(b&(1<<23-1)|1<<23, 126-exp))
}

// BF16ToFloat32 returns the exact value of a bfloat16 number.
func BF16ToFloat32(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

// Float32ToBF16 returns the bfloat16 number nearest to x, ties to even. A NaN
// becomes a quiet NaN.
func Float32ToBF16(x float32) uint16 {
	b := math.Float32bits(x)
	if b&(1<<31-1) > 0xff<<23 {
		return uint16(b>>16) | 0x40
	}
	return uint16(roundShift(b, 16))
}

// roundShift returns b / 2^n rounded to the nearest integer, ties to even. b +
// 2^(n-1) must not overflow, which holds for finite numbers here.
func roundShift(b, n uint32) uint32 {
	return (b + 1<<(n-1) - 1 + b>>n&1) >> n
}

// Float32s returns the elements of a tensor of type F32, F16, BF16 or F64
// (rounded to nearest) in a new slice. The error wraps [ErrDType].
func (t Tensor) Float32s() ([]float32, error) {
	size := max(t.DType.SizeBytes(), 1) // 0 for an unknown type, which is rejected below
	out := make([]float32, len(t.Data)/size)
	return out, t.ReadFloat32s(out, 0)
}

// ReadFloat32s reads elements from index at on into dst, as [Tensor.Float32s]
// does. The error wraps [ErrDType], or [ErrTensor] if dst reaches past the last
// element.
func (t Tensor) ReadFloat32s(dst []float32, at int) error {
	widen, ok := wideners[t.DType]
	if !ok {
		return fmt.Errorf("safetensors.Float32s: %w: %v", ErrDType, t.DType)
	}
	size := t.DType.SizeBytes()
	if n := len(t.Data) / size; at < 0 || at > n || len(dst) > n-at {
		return fmt.Errorf("safetensors.ReadFloat32s: %w: elements %d to %d of %d", ErrTensor, at, at+len(dst), n)
	}
	src := t.Data[at*size:]
	var all sync.WaitGroup
	for from := 0; from < len(dst); from += widenAtOnce {
		to := min(from+widenAtOnce, len(dst))
		if to == len(dst) {
			widen(dst[from:to], src[from*size:])
			break
		}
		all.Go(func() { widen(dst[from:to], src[from*size:]) })
	}
	all.Wait()
	return nil
}

// widenAtOnce is the number of elements a goroutine converts: enough to outweigh its
// start.
const widenAtOnce = 1 << 20

// wideners convert len(dst) little-endian elements.
var wideners = map[DType]func(dst []float32, src []byte){
	F16: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = F16ToFloat32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	},
	BF16: func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = BF16ToFloat32(binary.LittleEndian.Uint16(src[2*i:]))
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

// FromFloat32s returns a tensor of type F32, F16 or BF16 with the given shape
// and values, rounded to nearest, ties to even. The error wraps [ErrDType], or
// [ErrTensor] if the shape does not match.
func FromFloat32s(name string, d DType, shape []int, values []float32) (NamedTensor, error) {
	data := make([]byte, 0, len(values)*d.SizeBytes())
	for _, x := range values {
		switch d {
		case F32:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		case F16:
			data = binary.LittleEndian.AppendUint16(data, Float32ToF16(x))
		case BF16:
			data = binary.LittleEndian.AppendUint16(data, Float32ToBF16(x))
		}
	}
	t := NamedTensor{Name: name, Tensor: Tensor{DType: d, Shape: shape, Data: data}}
	if d != F32 && d != F16 && d != BF16 {
		return t, fmt.Errorf("safetensors.FromFloat32s: %w: %v", ErrDType, d)
	}
	if err := t.check(); err != nil {
		return t, fmt.Errorf("safetensors.FromFloat32s: %w", err)
	}
	return t, nil
}
