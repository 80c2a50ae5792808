// Package transformer describes the decoder-only network of Morton's own families, by a
// [Config]. It has RMSNorm, rotary positions of several axes, SwiGLU, and a head of
// softmaxes or of independent bits. [Config.System] makes a system of it, which
// models/engine draws with. [Train] trains it on the same weights.
//
// It is not for what tokens mean (see models/cube, models/shape, models/quad) nor for how
// a run of training goes (see models/train).
//
// Letters: b sequences, n positions, r = b·n rows, d width, l layers, h heads,
// dh head width, f feed-forward width, k static ids, s sub-tokens, v vocabulary.
package transformer
