// Package tape differentiates programs. Operations are recorded forward as they are
// called. The tape keeps how to record the gradients of each.
//
//	t := tape.New(rec, true)
//	h := t.RMS(x, gain, 1e-6)
//	y := t.Linear(h, tape.LinearArgs{W: w, Residual: x})
//	t.SoftmaxCE(y, vocab, tape.LossArgs{Targets: targets, Loss: loss})
//	t.Backward() // adds to the gradients of gain, w and x
//
// A matrix with a Half, of 16 bits, is multiplied in them: see Linear.
//
// It has no arithmetic of its own. Every operation and its gradient is one of gpu/ops.
// Both passes end up in one gpu.Program with planned memory. It is not for generating,
// which keeps a cache instead (see models/nn).
//
// Letters: n rows, d columns.
package tape
