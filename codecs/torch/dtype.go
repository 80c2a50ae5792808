package torch

import "fmt"

// DType is the type of a tensor's elements.
type DType uint8

// The element types that a file may have. [Tensor.Float32s] converts F16, BF16,
// F32 and F64.
const (
	BOOL DType = iota + 1
	U8
	I8
	I16
	U16
	I32
	U32
	I64
	U64
	F16  // IEEE 754 binary16
	BF16 // the upper half of a float32
	F32
	F64
	C64  // two F32
	C128 // two F64
	F8E4M3
	F8E5M2
	F8E4M3FNUZ
	F8E5M2FNUZ
	F8E8M0
)

// dtypes has, for each type, the name that safetensors gives it, torch's name and
// the class of its storages, if it has one.
var dtypes = [...]struct {
	name, torch, storage string
	sizeBytes            int
}{
	BOOL:       {"BOOL", "bool", "BoolStorage", 1},
	U8:         {"U8", "uint8", "ByteStorage", 1},
	I8:         {"I8", "int8", "CharStorage", 1},
	I16:        {"I16", "int16", "ShortStorage", 2},
	U16:        {"U16", "uint16", "", 2},
	I32:        {"I32", "int32", "IntStorage", 4},
	U32:        {"U32", "uint32", "", 4},
	I64:        {"I64", "int64", "LongStorage", 8},
	U64:        {"U64", "uint64", "", 8},
	F16:        {"F16", "float16", "HalfStorage", 2},
	BF16:       {"BF16", "bfloat16", "BFloat16Storage", 2},
	F32:        {"F32", "float32", "FloatStorage", 4},
	F64:        {"F64", "float64", "DoubleStorage", 8},
	C64:        {"C64", "complex64", "ComplexFloatStorage", 8},
	C128:       {"C128", "complex128", "ComplexDoubleStorage", 16},
	F8E4M3:     {"F8_E4M3", "float8_e4m3fn", "", 1},
	F8E5M2:     {"F8_E5M2", "float8_e5m2", "", 1},
	F8E4M3FNUZ: {"F8_E4M3FNUZ", "float8_e4m3fnuz", "", 1},
	F8E5M2FNUZ: {"F8_E5M2FNUZ", "float8_e5m2fnuz", "", 1},
	F8E8M0:     {"F8_E8M0", "float8_e8m0fnu", "", 1},
}

func (d DType) valid() bool { return d > 0 && int(d) < len(dtypes) }

// String returns the name that safetensors gives the type, for example "BF16".
func (d DType) String() string {
	if !d.valid() {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// SizeBytes returns the bytes of one element, 0 for an unknown type.
func (d DType) SizeBytes() int {
	if !d.valid() {
		return 0
	}
	return dtypes[d].sizeBytes
}
