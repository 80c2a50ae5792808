// Package shape is the octree family: a shape is its octree, level by level in
// Morton order, one occupancy byte a node, then one 32-bit surface code a leaf as
// four bytes, which dual contouring turns into quads.
//
// It is not for octrees or surfaces themselves (see octree, octree/surface).
//
// The six parts: occupancy bytes and leaf codes; order octree level by level,
// Morton order in a level; visibility key(k) <= key(q) = position; input form the
// previous token and those of the parent and of the neighbours at -x, -y and -z,
// which Morton order puts before a node; four softmax heads; temperature.
//
// Source: octrees in Morton order as tokens follow OctGPT, arXiv 2504.09975; the
// network, the bytes and the leaf code are ours.
package shape
