// Package gray holds scalar quantisation to binary codes: every coordinate of a vector
// is rounded to one of 2ᵇ levels, b of its own, and the level's number is written in
// Gray code. A code is a row of bits. Neighbouring levels differ in one bit, so a model
// that samples bits independently and doubts between two levels doubts one bit.
//
//	plan, err := gray.NewPlan(dev, []int{7, 6, 6, 1}) // 20 bits
//	gray.Quantize(rec, gray.QuantizeArgs{Z: z, Plan: plan, Code: code, Bits: bits})
//	// … decoder forward and backward: dcode …
//	gray.QuantizeGrad(rec, gray.QuantizeGradArgs{Z: z, Plan: plan, DCode: dcode, DZ: dz})
//
// It is not for codes that are points of a sphere (see gpu/ops/bsq).
//
// Source: rounding coordinates follows Mentzer, Minnen, Agustsson and Tschannen, "Finite
// Scalar Quantization", 2023, arXiv:2309.15505; the code is that of Gray, US patent
// 2,632,058. Levels in the domain of z are ours.
//
// Letters: n rows, c coordinates, b bits of a coordinate, l bits of a code, words =
// ceil(l/32) 32-bit words a row; bit i of a row is bit i%32 of word i/32. The highest bit
// of a coordinate comes first.
package gray
