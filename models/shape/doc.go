// Package shape is the octree family. A shape is its octree, level by level in Morton
// order: an occupancy byte for each node, then a 32-bit surface code for each leaf, as
// four bytes. Dual contouring turns the codes into quads.
//
// It is not for octrees or surfaces themselves (see octree, octree/surface).
//
// Its parts:
//
//	token     an occupancy byte, or a leaf code
//	schedule  level by level, in Morton order
//	sees      all positions before it, and itself
//	input     the tokens before it, of its parent, and of its neighbours at -x, -y and -z
//	head      four softmaxes
//	sampling  temperature
//
// Morton order puts a node's neighbours at -x, -y and -z before it.
//
// Source: octrees in Morton order as tokens follow OctGPT, arXiv 2504.09975; the
// network, the bytes and the leaf code are ours.
package shape
