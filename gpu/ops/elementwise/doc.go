// Package elementwise holds sums and scalings of tensors element by element,
// their narrowing to 2-byte floats, and the plain reductions: over rows, over
// everything, and squared differences.
//
//	elementwise.Add(rec, elementwise.AddArgs{A: x, B: y, Out: x}) // x += y
//
// It is not for activations (see gpu/ops/activation) nor for optimizer steps
// (see gpu/ops/adamw).
//
// Letters: n rows, d columns.
package elementwise
