// Package ply reads and writes polygon meshes as PLY files, the Stanford polygon
// format: ASCII, or binary in either byte order.
//
// It is not for colours, normals and other properties, which are skipped, nor
// for point clouds, which have no surface.
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
