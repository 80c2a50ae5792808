// Package transformer trains the network of Morton's own systems, see systems.Decoder.
//
// It is not for how a run of training goes (see models/train).
//
// Letters: b sequences, n positions, r = b·n rows, d width, l layers, h heads,
// dh head width, f feed-forward width, k static ids, s sub-tokens, v vocabulary.
package transformer
