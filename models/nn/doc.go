// Package nn holds the layers of networks. Each layer is written once, against [Graph],
// and is recorded in two ways. [Inference] records it to generate, with fused kernels and
// a cache of keys and values. [Training] records it with what the backward pass needs.
//
// It is not for the meaning or the order of tokens (see models/system).
//
// Letters: n rows, d width, h heads, dh columns of a head, f hidden width.
package nn
