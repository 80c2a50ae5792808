// Package mesh holds polygon meshes made of triangles, quads and n-gons: the
// type, its measures, surface sampling, distances between surfaces and repair.
//
// It is not for files (see mesh/gltf and mesh/obj) nor for tokens (see
// mesh/sequence).
//
//	var m mesh.Mesh
//	a := m.AddVertex(mesh.Vec3{0, 0, 0})
//	b := m.AddVertex(mesh.Vec3{1, 0, 0})
//	c := m.AddVertex(mesh.Vec3{1, 1, 0})
//	d := m.AddVertex(mesh.Vec3{0, 1, 0})
//	if err := m.AddFace(a, b, c, d); err != nil {
//		return err
//	}
//
// Letters used in comments: v vertices, e edges, f faces, k corners of a face.
package mesh
