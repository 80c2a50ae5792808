package torch

import st "github.com/morton-gen/morton/codecs/safetensors"

// dtypes has torch's name of each element type and the class of its storages, if any.
var dtypes = map[st.DType]struct{ name, storage string }{
	st.BOOL:       {"bool", "BoolStorage"},
	st.U8:         {"uint8", "ByteStorage"},
	st.I8:         {"int8", "CharStorage"},
	st.I16:        {"int16", "ShortStorage"},
	st.U16:        {"uint16", ""},
	st.I32:        {"int32", "IntStorage"},
	st.U32:        {"uint32", ""},
	st.I64:        {"int64", "LongStorage"},
	st.U64:        {"uint64", ""},
	st.F16:        {"float16", "HalfStorage"},
	st.BF16:       {"bfloat16", "BFloat16Storage"},
	st.F32:        {"float32", "FloatStorage"},
	st.F64:        {"float64", "DoubleStorage"},
	st.C64:        {"complex64", "ComplexFloatStorage"},
	st.C128:       {"complex128", "ComplexDoubleStorage"},
	st.F8E4M3:     {"float8_e4m3fn", ""},
	st.F8E5M2:     {"float8_e5m2", ""},
	st.F8E4M3FNUZ: {"float8_e4m3fnuz", ""},
	st.F8E5M2FNUZ: {"float8_e5m2fnuz", ""},
	st.F8E8M0:     {"float8_e8m0fnu", ""},
}
