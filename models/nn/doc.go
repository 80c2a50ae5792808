// Package nn holds the layers of networks. Each layer is written once, against
// [Graph], and recorded in two ways: to generate, with fused kernels and a cache
// of keys and values, and to train, with what the backward pass needs.
//
// It is not for what a network predicts, nor in which order (see models/system).
//
// Letters: n rows, d width, h heads, dh columns of a head, f hidden width.
package nn
