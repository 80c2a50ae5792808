// Package stl reads and writes triangle meshes as STL files, ASCII or binary.
//
// Colours and normals are skipped: colours come in many dialects, and normals
// follow from the triangles.
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
