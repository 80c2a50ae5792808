// Package transformer is the decoder-only network every family shares: RMSNorm,
// rotary positions of any number of axes, SwiGLU, visibility by integers, and a
// head of softmaxes or of independent bits. It trains (Train) and decodes with a
// key-value cache (Decoder) on the same weights.
//
// It is not for what tokens mean (see models/cube, models/octree, models/quad)
// nor for how a run of training goes (see models/train).
//
// Letters: b sequences, n positions, r = b·n rows, d width, l layers, h heads,
// dh head width, f feed-forward width, k static ids, s sub-tokens, v vocabulary.
package transformer
