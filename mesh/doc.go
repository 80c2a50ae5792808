// Package mesh holds polygon meshes made of triangles, quads and n-gons: the
// type, its measures, surface sampling, triangulation and repair.
//
// It is not for distances (see mesh/distance and mesh/compare), files (see
// mesh/meshfile), tokens (see mesh/sequence) or pictures (see mesh/draw).
//
//	var m mesh.Mesh
//	a := m.AddVertex(mesh.Vec3{0, 0, 0})
//	b := m.AddVertex(mesh.Vec3{1, 0, 0})
//	c := m.AddVertex(mesh.Vec3{1, 1, 0})
//	d := m.AddVertex(mesh.Vec3{0, 1, 0})
//	if err := m.AddFace(a, b, c, d); err != nil {
//		return err
//	}
//	report, err := mesh.Measure(&m)
//
// Functions never modify their arguments. They expect a mesh for which
// [Mesh.Validate] returns nil; only [Measure] and [Normalize] check it.
//
// Letters used in comments: v vertices, e edges, f faces, k corners of a face,
// h half-edges (the half-edge h leaves corner h towards the next corner of the
// same face), t triangles, n samples, p and q points or sets of points.
package mesh
