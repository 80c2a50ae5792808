// Package remesh turns any mesh into a closed mesh of quads and some triangles. It
// needs no model: it uses the leaves of an octree and dual contouring. Leaves have
// one depth or, for a budget of faces, several depths. They are large where the
// surface is flat.
//
// It is not for the octree and its codes (see octree and octree/surface), nor for
// files.
//
//	r, err := remesh.Remesh(ctx, m, remesh.Options{Faces: 800})
//	if err != nil {
//		return err
//	}
//	fmt.Println(r.Mesh.NumFaces(), "faces, Chamfer L1", r.ChamferL1, "of the longest side")
//
// # How leaves become larger
//
// The surface at a fine depth is a closed manifold with one vertex for each sheet
// in each leaf. A cluster is a connected part of that surface within one node of
// the octree. The coarse surface has one vertex for each cluster. The vertex
// minimises the sum of squared distances to the planes of the cluster's faces.
// Clusters are merged into those one level up, the cheapest first, until the
// budget is met. A merge must leave the cluster a disk that touches each neighbour
// along one arc, and every cluster at least three neighbours. A triangle or a quad
// lies where three or four clusters meet. The result is a closed, oriented
// 2-manifold with the topology of the fine surface:
//
//	fine  +--+--+--+--+      coarse  +-----+--+--+
//	      |  |  |  |  |              |     |  |  |
//	      +--+--+--+--+   merged     |     +--+--+   at T there are three clusters,
//	      |  |  |  |  |              |     |  |  |   so a triangle; elsewhere four
//	      +--+--+--+--+              +-----T--+--+   or, along arcs, two
//
// A thin bar is a tube, not a disk, in every node that contains a piece of it. If
// nodes alone cannot meet the budget, neighbouring clusters are merged across nodes.
// Those merges leave more triangles, and coplanar pairs of triangles become quads.
// Finally the vertices are fitted to the fine surface.
//
// Remesh tries several depths to begin at. A finer depth keeps thin walls, but
// has more parts and handles, which cost faces.
//
// Sources: Ju et al., "Dual Contouring of Hermite Data", 2002, simplification by
// octree and quadric error; Garland and Heckbert, "Surface Simplification Using
// Quadric Error Metrics", 1997, merging of neighbours; Schaefer, Ju and Warren, "Manifold Dual Contouring",
// 2007, one vertex a sheet in coarse cells. The manifold test here looks at arcs
// between clusters instead of at the cells' edges and faces.
//
// Letters used in comments: v a vertex of the fine surface, h a half-edge, f a
// face, V, E and F numbers of vertices, edges and faces, d depth.
package remesh
