// Package surface turns meshes into octrees with a short binary code for each
// leaf. It turns such trees back into closed quad meshes by dual contouring,
// whether a mesh or a network made them.
//
// It is not for the trees themselves (see octree) nor for files.
//
//	frame := octree.Fit(m, 0.9)
//	o, codes, parts, err := surface.Build(frame.Mesh(m), 7)
//	if err != nil {
//		return err
//	}
//	quads, report, err := surface.Extract(o, codes)
//	if err != nil {
//		return err
//	}
//	quads = frame.InvertMesh(quads)
//
// # The leaf code
//
// Tree and codes are all there is: no source mesh is needed to extract. A code
// is 32 independent bits or four byte tokens, and every value is valid:
//
//	bit  31           24 23                         9  8  7    4 3    0
//	    +---------------+----------------------------+---+------+------+
//	    | corner signs  | x4y4z4 x3y3z3 ... x0y0z0   | t |  u   |  v   |
//	    +---------------+----------------------------+---+------+------+
//	     token 0         token 1 = x4y4z4x3y3z3x2y2       token 3
//	                     token 2 = z2x1y1z1x0y0z0t
//
//	corner signs  bit 24+c: corner c = 4x+2y+z of the cell is inside
//	x, y, z       the dual vertex, at ((x+0.5)/32, (y+0.5)/32, (z+0.5)/32) of the
//	              cell: the tree's Morton key goes on for five levels, coarse first
//	t             the surface was given a thickness here
//	u, v          outward normal, octahedral, (u-7)/7 and (v-7)/7 with 15 as 14
//
// # Why corner signs
//
// Dual contouring makes one quad for each grid edge with an inside and an outside
// end. If signs belong to corners, the edges around each face of the grid change
// sign an even number of times. So the quads form a closed mesh for any signs. Up
// to eight leaves share a corner, and the majority decides its sign. The majority
// also corrects single wrong bits of a generator. [Extract] describes how the
// rest of the grid gets its signs. A cell may contain more than one sheet of
// surface, and each sheet has its own vertex. The code places the vertex of the
// sheet with most edges:
//
//	corners  o---o      one vertex a sheet, so     one vertex a cell would join
//	inside   |1 /|      the mesh is a manifold:    the sheets at a point:
//	o = no   |/ /|            \   /                       \ /
//	1 = yes  o---1             / \                         X
//
// Letters used in comments: d level, D depth of the tree, k key of a cell, c
// corner of a cell, e edge of a cell.
package surface
