// Package quadfield turns any mesh into a closed mesh of quads that follow its surface
// and keep its sharp edges.
//
// It is not for triangle meshes (see octree/remesh, which also tries other source
// surfaces), nor for generated meshes.
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
//	features  edges between faces at a large angle become lines that end at corners
//	even      edges are split, collapsed and flipped to a third of a quad's side
//	orient    the smoothest cross field along the lines (orient.go)
//	lattice   each vertex gets the nearest point of a square lattice along the field, and
//	          neighbours agree on their lattices, coarse levels first (position.go)
//	gather    edges between vertices that share a lattice point collapse (gather.go)
//	pair      the remaining triangles are half squares: pairs of them are quads
//	          (match.go). Either all are paired, or a mesh of a quarter of the faces is
//	          paired where quads are good, and each face is split around its middle
//	tidy      local operations make valences regular (tidy.go)
//	relax     quads come near rectangles, on the surface (relax.go)
//	mend      vertices of inverted quads move (mend.go)
//	part      surfaces that touch along an edge move apart (part.go)
//
// # Why the result is closed
//
// Splits, flips and collapses keep a closed 2-manifold closed. No integer lines are
// extracted, so nothing is cut up and sewn together again. Any closed triangle mesh has
// a perfect matching, and splitting faces around their middles always gives quads. A
// poor field costs regularity, never a hole.
//
// Everything runs on one goroutine in a fixed order: the same mesh gives the same bits.
//
// Sources: Jakob, Tarini, Panozzo and Sorkine-Hornung, "Instant field-aligned meshes",
// 2015, the lattice; Knöppel et al., "Globally optimal direction fields", 2013, the
// directions; Remacle et al., "Blossom-Quad", 2012, pairing by matching; Huang, Zhou,
// Niessner, Shewchuk and Guibas, "QuadriFlow", 2018, collapsing vertices that share a
// lattice point. No code of theirs is used.
//
// Letters used in comments: v a vertex, h a half-edge, t its twin, f a face, e an edge.
package quadfield
