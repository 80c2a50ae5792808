// Package quad is the mesh family: points of any surface -> a face sequence of
// quads and padded triangles -> a native quad mesh. One position of the network
// is one coordinate; the points come first and stay visible for ever.
//
// It is not for the face sequence itself (see mesh/sequence).
//
// The six parts: coordinate tokens; raster order; visibility key(k) <= key(q) =
// position; input form the shifted previous tokens (the last three coordinates
// and those six, nine and twelve before); softmax head; temperature, top-k and top-p.
//
// Source: the task and the face layout are QuadGPT's, arXiv 2509.21420; the
// network is ours.
package quad
