// Package step keeps the state of decoding on the device, so that one recorded program
// serves every step. Gather reads the next rows and their draws out of the requests'
// tables. Commit writes the drawn tokens back and moves the cursors.
//
// It is not for the network in between, nor for sampling (gpu/ops/sample).
//
// A row is one query of the network. A draw is one token that is sampled. A step may
// have more rows than draws, as in a prompt, or fewer. A lane is one sequence of the
// cache in a step. A canvas is the tokens of one request. The branches of guidance are
// two lanes that share one.
//
// Letters: b slots, l rows, draws or positions a slot, g lanes, r rows and m draws
// of a step, s sub-tokens (or words of a binary code) a position, k fixed ids,
// f fed tokens, a position axes, h directions of the head.
package step
