// Package ply reads and writes polygon meshes as PLY files, the Stanford polygon
// format: ASCII, or binary in either byte order.
//
// Colours, normals and other properties are skipped. Point clouds have no
// surface and are an error.
//
//	m, info, err := ply.ReadFile("scan.ply", limit.Limits{})
//	if errors.Is(err, mesh.ErrEmpty) {
//		return nil // a point cloud
//	}
//	fmt.Println(m.NumFaces(), "faces from", info.Format)
//	err = ply.WriteFile("copy.ply", m)
//
// Source: G. Turk, "The PLY Polygon File Format", 1994.
package ply
