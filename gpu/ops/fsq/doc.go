// Package fsq holds finite scalar quantisation: every coordinate of a short vector is
// bounded and rounded to one of a few levels, so that a code is a digit a coordinate,
// an index, and needs no codebook.
//
//	levels := []int{8, 5, 5, 5} // 1000 codes
//	fsq.Quantize(rec, fsq.QuantizeArgs{Z: z, Levels: levels, Code: code, Index: index})
//	// … decoder forward and backward: dcode …
//	fsq.QuantizeGrad(rec, fsq.QuantizeGradArgs{Z: z, Levels: levels, DCode: dcode, DZ: dz})
//
// It is not for binary codes on the sphere (see gpu/ops/bsq).
//
// Source: Mentzer, Minnen, Agustsson and Tschannen, "Finite Scalar Quantization: VQ-VAE
// Made Simple", 2023, arXiv:2309.15505.
//
// Letters: n rows, d coordinates, L levels of a coordinate.
package fsq
