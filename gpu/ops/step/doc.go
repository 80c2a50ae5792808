// Package step keeps the state of decoding on the device, so that one recorded program
// serves every step. Gather reads the next rows and their targets out of the requests'
// tables. Commit writes the drawn tokens back and moves the cursors.
//
// It is not for the network in between, nor for sampling (gpu/ops/sample).
//
// A row is one query of the network. A target is one token that is sampled. A step may
// have more rows than draws, as in a prompt, or fewer. A sequence of a step is one of the
// cache in a step. A canvas is the tokens of one request. The branches of guidance are
// sequences that share one.
//
// Letters: b slots, l rows, targets or positions a slot, g sequences, r rows and m targets
// of a step, s sub-tokens (or words of a binary code) a position, k fixed ids,
// f input tokens, a position axes, h directions of the head.
package step
