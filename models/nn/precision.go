package nn

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/internal/errkind"
)

// ErrConfig reports a network description that cannot be built.
var ErrConfig = errkind.New("bad_model", "bad network configuration")

// Precision is the type of a decoder's matrices. Activations and sums are always f32.
// Another precision draws other tokens, as another model would.
type Precision string

// The precisions. The integers have a scale for each 32 weights, see
// matmul.Quantize, and leave matrices of shorter rows in f16.
const (
	F32  Precision = "f32"
	F16  Precision = "f16"
	BF16 Precision = "bf16"
	Int8 Precision = "int8"
	Int4 Precision = "int4"
)

// Precisions are all of them, the widest first.
var Precisions = []Precision{F32, F16, BF16, Int8, Int4}

// TrainPrecisions are those that networks train in.
var TrainPrecisions = []Precision{F32, BF16, F16}

// DType is the type of the elements; the zero value means f16.
func (p Precision) DType() tensor.DType {
	switch p {
	case F32:
		return tensor.F32
	case BF16:
		return tensor.BF16
	case Int8:
		return tensor.I8
	case Int4:
		return tensor.I4x2
	}
	return tensor.F16
}

// of returns the precision of a matrix. Rows that are shorter than a group of integers, such as
// those of a token's numbers, stay f16.
func (p Precision) of(m *Matrix) Precision {
	if (p == Int8 || p == Int4) && m.In < matmul.Group {
		return F16
	}
	return p
}

// Check returns an error wrapping [ErrConfig] if the matrices do not come in this
// precision.
func (p Precision) Check(l *List) error {
	if p != "" && !slices.Contains(Precisions, p) {
		return fmt.Errorf("nn: %w: precision %q, want one of %v", ErrConfig, p, Precisions)
	}
	multiples := map[tensor.DType]int{tensor.F32: 2, tensor.F16: 4, tensor.BF16: 4, tensor.I8: matmul.Group, tensor.I4x2: matmul.Group}
	for _, m := range l.Matrices() {
		if multiple := multiples[p.of(m).DType()]; m.In%multiple != 0 {
			return fmt.Errorf("nn: %w: precision %s wants rows of a multiple of %d weights, %s has %d", ErrConfig, p, multiple, m.Names[0], m.In)
		}
	}
	return nil
}
