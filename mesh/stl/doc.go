// Package stl reads and writes triangle meshes as STL files, ASCII or binary.
//
// It is not for colours and normals, which are skipped: the format has them in
// many dialects, and the triangles say more.
//
//	m, info, err := stl.ReadFile("part.stl", limit.Limits{})
//	if err != nil {
//		return err
//	}
//	fmt.Println(m.NumFaces(), "triangles, binary:", info.Binary)
//	err = stl.WriteFile("copy.stl", m)
//
// Source: 3D Systems, "StereoLithography Interface Specification", 1989.
package stl
