// Package cube is the tokenizer of Morton's video system. A clip becomes spatiotemporal
// cells, and each cell a binary spherical code (see Tokenizer). Codes become frames.
//
// It is not for cutting pixels (see codecs/cube) nor for files (codecs/video).
//
// Source: codes follow Zhao, Xiong and Krähenbühl, arXiv:2406.07548; the network is ours.
//
// Letters: t, h, w extents of the grid of cells; n cells; l bits of a code.
package cube
