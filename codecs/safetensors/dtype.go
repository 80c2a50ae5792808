package safetensors

// DType is the name of an element type in files, such as "BF16". A file may have
// tensors of unknown types. Their size is not checked and their elements cannot be
// read.
type DType string

// The known element types. [Tensor.Float32s] converts F16, BF16, F32 and F64.
const (
	BOOL       DType = "BOOL"
	U8         DType = "U8"
	I8         DType = "I8"
	F8E4M3     DType = "F8_E4M3"
	F8E5M2     DType = "F8_E5M2"
	F8E4M3FNUZ DType = "F8_E4M3FNUZ"
	F8E5M2FNUZ DType = "F8_E5M2FNUZ"
	F8E8M0     DType = "F8_E8M0"
	I16        DType = "I16"
	U16        DType = "U16"
	F16        DType = "F16"  // IEEE 754 binary16
	BF16       DType = "BF16" // the upper half of a float32
	I32        DType = "I32"
	U32        DType = "U32"
	F32        DType = "F32"
	F64        DType = "F64"
	I64        DType = "I64"
	U64        DType = "U64"
	C64        DType = "C64"  // two F32
	C128       DType = "C128" // two F64
)

// ranks gives the order of types in files: [Write] puts larger ranks first.
var ranks = map[DType]int{}

func init() {
	for i, d := range []DType{
		BOOL, U8, I8, F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ, F8E8M0, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64, C64, C128,
	} {
		ranks[d] = i + 1
	}
}

// SizeBytes returns the size of an element in bytes, or 0 for an unknown type.
func (d DType) SizeBytes() int {
	switch d {
	case BOOL, U8, I8, F8E4M3, F8E5M2, F8E4M3FNUZ, F8E5M2FNUZ, F8E8M0:
		return 1
	case I16, U16, F16, BF16:
		return 2
	case I32, U32, F32:
		return 4
	case F64, I64, U64, C64:
		return 8
	case C128:
		return 16
	}
	return 0
}

// maxDType bounds the name of an unknown type.
const maxDType = 32

// isName reports whether d is a plausible type name.
func (d DType) isName() bool {
	for _, c := range []byte(d) {
		if !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return d != "" && len(d) <= maxDType
}
