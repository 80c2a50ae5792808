// Package step keeps what changes from one decoding step to the next on the
// device, so that one recorded program serves every step. Gather reads the rows
// that are computed next, and the draws behind them, out of tables of the requests.
// Commit writes the drawn tokens back and moves the cursors.
//
// It is not for the network in between, nor for sampling (gpu/ops/sample).
//
// A row is one query of the network. A draw is one token that is sampled behind it;
// a step may have more rows than draws, as in a prompt, or fewer. A lane is one
// sequence of the cache in a step. Two lanes may share a canvas, the tokens of one
// request, as the branches of guidance do.
//
// Letters: b slots, l rows, draws or positions a slot, g lanes, r rows and m draws
// of a step, s sub-tokens (or words of a binary code) a position, k fixed ids,
// f fed tokens, a position axes, h directions of the head.
package step
