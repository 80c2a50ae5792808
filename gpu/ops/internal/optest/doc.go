// Package optest holds what the operations' tests share: gradients against
// central differences, refused operands, and the benchmark of one program.
//
//	optest.Gradient(t, "dx", func() float64 { return optest.Dot(forward(x), dout) }, x, dx)
//
// It is for float64 oracles; gpu/gputest compares device results with them.
package optest
