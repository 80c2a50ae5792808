// Package quadfield turns any mesh into a closed mesh of quads that follow its
// surface and keep its sharp edges.
//
// It is not for triangles of a budget (see octree/remesh, which also tries other
// surfaces to start from), nor for meshes that a model makes.
//
//	r, err := quadfield.Remesh(m, quadfield.Options{Faces: 800})
//	if err != nil {
//		return err
//	}
//	fmt.Println(r.Mesh.NumFaces(), "quads, mean scaled Jacobian", r.Quality.Jacobian)
//
// # Steps
//
//	close     sides of triangles are paired across edges; a surface with a boundary
//	          becomes a thin plate with a back and a rim (close.go)
//	features  edges between faces that are far apart become lines that end at corners
//	even      the triangles are split, collapsed and flipped to a third of a quad's side
//	orient    the smoothest field of directions along the lines (orient.go)
//	lattice   each vertex gets the nearest point of a square lattice along the field, and
//	          neighbours agree on their lattices, coarse levels first (position.go)
//	gather    edges between vertices that share a lattice point collapse (gather.go)
//	pair      the triangles that are left are half squares: pairs of them are quads
//	          (match.go). Either all are paired, or a mesh of a quarter of the budget is
//	          paired as far as that is good, and each face is cut around its middle
//	tidy      quads change where vertices have too few or too many edges (tidy.go)
//	relax     quads come near rectangles, on the surface (relax.go)
//
// # Why the result is closed
//
// Triangles change only by splits, flips and collapses that keep a closed 2-manifold
// one. They are never cut up and sewn together again, as extracting a field's lines
// would. Any closed triangle mesh can be paired without a rest, and cutting faces around
// their middles gives quads whatever the faces were. So a field that is poor somewhere
// costs regularity there, and never a hole.
//
// All of it runs on one goroutine and in a fixed order: the same mesh gives the same
// bits.
//
// Sources: Jakob, Tarini, Panozzo and Sorkine-Hornung, "Instant field-aligned meshes",
// 2015, the lattice; Knöppel et al., "Globally optimal direction fields", 2013, the
// directions; Remacle et al., "Blossom-Quad", 2012, pairing by matching; Huang, Zhou,
// Niessner, Shewchuk and Guibas, "QuadriFlow", 2018, collapsing what shares a lattice
// point. Papers only: no code of theirs is here.
//
// Letters used in comments: v a vertex, h a half-edge, t its twin, f a face, e an edge.
package quadfield
