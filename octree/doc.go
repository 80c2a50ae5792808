// Package octree implements sparse octrees of surfaces. It has Morton keys,
// building from polygons, levels and neighbours. It also has the occupancy
// bytes in which a generator reads and writes a tree.
//
// It is not for what lies inside a leaf (see octree/surface), nor for files.
//
//	frame := octree.Fit(m, 0.9)        // source units -> [-1,1]^3
//	o, err := octree.Build(frame.Mesh(m), 7)
//	if err != nil {
//		return err
//	}
//	prompt, _ := o.Truncate(4)         // what the generator is given
//	for d := 4; d < o.Depth; d++ {
//		prompt, _, err = prompt.Grow(o.Occupancy(d)) // what it predicts
//	}
//
// # Conventions
//
// The domain is the cube [-1,1]^3. Level d divides it into 2^d cells along each
// axis. A node is identified by its level and its [Key]. The key is the Morton
// code of its coordinates 0 <= x, y, z < 2^d:
//
//	bit   ...  5   4   3   2   1   0
//	      ... x_1 y_1 z_1 x_0 y_0 z_0       x_i is bit i of x
//
// So the child of node k with index c = 4·x_0 + 2·y_0 + z_0 is 8k + c. In key
// order, the children of a node are adjacent. Nodes that hold no surface are
// empty and are not stored: a tree is the list of non-empty keys of every
// level, each sorted. Every non-empty node above the last level has at least
// one non-empty child.
//
// # Occupancy bytes
//
// Take a tree of depth 2 whose root has children 1 and 4, child 1 has child 7,
// child 4 has children 0 and 2:
//
//	level 0: 00010010   level 1: 10000000 00000101   (bit c = child c)
//
// An occupancy byte belongs to a non-empty node and names its children.
//
// Letters used in comments: d level, D depth of the tree, n nodes of a level,
// r row of a node among the non-empty nodes of its level, k key, c child index.
package octree
