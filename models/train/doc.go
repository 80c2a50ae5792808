// Package train trains the network of a system. [Network] records the same forward pass
// that the engine draws with, and [Flatten] takes its rows from the same schedule. [Run] goes
// on to the end: AdamW with warm-up and a cosine rate, clipping, held-out loss and a loss
// curve. Checkpoints resume bit for bit.
//
// It is not for what a network consists of (see models/systems), nor for drawing (see
// models/engine).
//
// Letters: b sequences, n rows of each, r = b·n rows, m draws, h directions of the head,
// d width, k fixed ids, f input tokens, s sub-tokens, v vocabulary.
package train
