package safetensors

import "fmt"

// DType is an element type, in the order in which files hold their tensors:
// widest alignment last. [Write] puts larger values first.
type DType uint8

// The element types that a file may have. [Tensor.Float32s] converts F16, BF16, F32 and
// F64.
const (
	BOOL DType = iota + 1
	U8
	I8
	F8E4M3
	F8E5M2
	F8E4M3FNUZ
	F8E5M2FNUZ
	F8E8M0
	I16
	U16
	F16  // IEEE 754 binary16
	BF16 // the upper half of a float32
	I32
	U32
	F32
	F64
	I64
	U64
	C64 // two F32
)

var dtypes = [...]struct {
	name      string
	sizeBytes int
}{
	BOOL: {"BOOL", 1}, U8: {"U8", 1}, I8: {"I8", 1},
	F8E4M3: {"F8_E4M3", 1}, F8E5M2: {"F8_E5M2", 1}, F8E4M3FNUZ: {"F8_E4M3FNUZ", 1}, F8E5M2FNUZ: {"F8_E5M2FNUZ", 1}, F8E8M0: {"F8_E8M0", 1},
	I16: {"I16", 2}, U16: {"U16", 2}, F16: {"F16", 2}, BF16: {"BF16", 2},
	I32: {"I32", 4}, U32: {"U32", 4}, F32: {"F32", 4},
	F64: {"F64", 8}, I64: {"I64", 8}, U64: {"U64", 8}, C64: {"C64", 8},
}

func (d DType) valid() bool { return d > 0 && int(d) < len(dtypes) }

// String returns the format's name of d, for example "BF16".
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

// ParseDType returns the type of the given name, or an error that wraps
// [ErrDType] and holds the name.
func ParseDType(name string) (DType, error) {
	for d := BOOL; d.valid(); d++ {
		if dtypes[d].name == name {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%w: %.40q", ErrDType, name)
}
