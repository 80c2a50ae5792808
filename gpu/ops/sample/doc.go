// Package sample draws tokens from logits on the device, by counter-based
// randomness: what a request draws at a position depends on its seed, its number
// and the position alone, never on the batch around it.
//
//	sample.Softmax(rec, sample.SoftmaxArgs{Logits: y, Draw: draw, Temp: temp, Out: tokens})
//
// It is not for deciding what runs next (see gpu/ops/step).
//
// Letters: n rows, s sub-tokens a row, v vocabulary, l bits of a binary code.
package sample
