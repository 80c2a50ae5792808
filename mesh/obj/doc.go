// Package obj reads and writes polygon meshes as Wavefront OBJ text. Triangles,
// quads and n-gons are kept.
//
// It is not for materials, textures, normals, curves or lines: they are skipped.
// Names of objects, groups and materials are kept as ranges of faces.
//
//	m, info, err := obj.ReadFile("chair.obj", obj.Limits{})
//	if errors.Is(err, mesh.ErrEmpty) {
//		return nil // points or lines only
//	}
//	fmt.Println(m.NumFaces(), "faces in", len(info.Objects), "objects")
//	err = obj.WriteFile("copy.obj", m)
package obj
