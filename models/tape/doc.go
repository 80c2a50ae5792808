// Package tape differentiates programs: operations are recorded forward as they
// are called, and the tape keeps for each how to record its gradients.
//
//	t := tape.New(rec, true)
//	h := t.RMS(x, gain, 1e-6)
//	y := t.Linear(h, tape.LinearArgs{W: w, Residual: x})
//	t.SoftmaxCE(y, vocab, tape.LossArgs{Targets: targets, Loss: loss})
//	t.Backward() // adds to the gradients of gain, w and x
//
// A matrix with a Half, of 16 bits, is multiplied in them: see Linear.
//
// It holds no arithmetic: every operation and its gradient is one of gpu/ops, and
// both passes end up in one gpu.Program with planned memory. It is not for
// decoding (see models/transformer), which keeps a cache instead.
//
// Letters: n rows, d columns.
package tape
