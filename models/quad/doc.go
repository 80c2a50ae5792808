// Package quad is the mesh family. Points of any surface become a face sequence of quads
// and padded triangles, which is a native quad mesh. A position of the network is one
// coordinate. The points come first and stay visible for ever.
//
// It is not for the face sequence itself (see mesh/sequence).
//
// Its parts:
//
//	token     a coordinate, a pad or the end
//	schedule  raster order
//	sees      all positions before it, and itself
//	input     the last three coordinates, and those six, nine and twelve before
//	head      a softmax
//	rule      the grammar of face sequences
//	sampling  temperature, top-k and top-p
//
// Source: the task and the face layout are QuadGPT's, arXiv 2509.21420; the
// network is ours.
package quad
