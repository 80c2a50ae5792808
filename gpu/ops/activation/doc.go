// Package activation holds the nonlinear functions between a network's matrix
// products, and their gradients: SwiGLU, GELU, SiLU and
// ReLU.
//
//	activation.SwiGLU(rec, activation.SwiGLUArgs{X: gateUp, Out: y}) // y = silu(gate)·up
//
// It is not for softmax (see gpu/ops/attention) nor for sums and scalings (see
// gpu/ops/elementwise).
//
// Letters: n rows, h hidden columns.
package activation
