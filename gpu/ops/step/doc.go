// Package step keeps what changes from one decoding step to the next on the
// device, so that one recorded program serves every step: Gather reads the rows
// each sequence predicts next out of per-sequence tables, Commit writes the drawn
// tokens back and moves the cursors.
//
// It is not for the network in between, nor for drawing (gpu/ops/sample).
//
// Letters: b sequence slots, l positions a slot, g lanes (sequences in this
// program), n rows a lane and step, r = g·n rows, s sub-tokens (or words of a
// binary code) a position, k static ids, f fed tokens, a position axes.
package step
