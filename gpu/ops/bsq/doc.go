// Package bsq implements binary spherical quantisation. A vector is normalised to the unit
// sphere, and each coordinate is replaced by its sign over √L. So a code is L bits, a
// point of the sphere, and needs no codebook.
//
// It is not for the encoder and decoder around it (see models) nor for the
// bits' loss (see gpu/ops/loss).
//
//	bsq.Quantize(rec, bsq.QuantizeArgs{Z: z, Code: code, Bits: bits, RNorm: rnorm})
//	// … decoder forward and backward: dcode …
//	bsq.QuantizeGrad(rec, bsq.QuantizeGradArgs{Z: z, RNorm: rnorm, DCode: dcode, DZ: dz})
//
// Source: Zhao, Xiong and Krähenbühl, "Image and Video Tokenization with Binary
// Spherical Quantization", 2024, arXiv:2406.07548.
//
// Letters: n rows, L bits a code, words = ceil(L/32) 32-bit words a row; bit i of
// a row is bit i%32 of word i/32, and 1 means positive.
package bsq
