// Package octree is the tokenizer of Morton's shape system. A shape is its octree, level
// by level in Morton order: an occupancy byte for each node, then a 32-bit surface code
// for each leaf, as four bytes. Dual contouring turns the codes into quads.
//
// It is not for octrees or surfaces themselves (see octree, octree/surface).
package octree
