// Package safetensors reads and writes safetensors files: named tensors after a
// JSON header, the format of published models.
//
//	u64 LE: header bytes n | n bytes of JSON, padded with spaces | tensor data
//
//	{"__metadata__": {"key": "text"},
//	 "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//
// Offsets count from the end of the header. Data is row-major, little-endian,
// and covers the rest of the file without holes or overlaps.
//
// It is not for the meaning of tensors (see models). Its only arithmetic is
// conversion between floating-point types.
//
//	f, err := safetensors.Open("model/model.safetensors")
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	t, err := f.Tensor("embed.weight") // a view into the mapped file
//	if err != nil {
//		return err
//	}
//	weights, err := t.Float32s()
//
// The package builds on Unix systems, for memory mapping.
//
// Source: the format's description and reference implementation,
// https://github.com/huggingface/safetensors.
package safetensors
