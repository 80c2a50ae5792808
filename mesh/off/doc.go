// Package off reads and writes polygon meshes as OFF text, the object file
// format of Geomview.
//
// It is not for colours, normals and texture coordinates, which are skipped, nor
// for the binary form and other dimensions, which are refused by name.
//
//	m, counts, err := off.ReadFile("chair.off", limit.Limits{})
//	if err != nil {
//		return err
//	}
//	fmt.Println(m.NumFaces(), "of", counts.Faces, "faces")
//	err = off.WriteFile("copy.off", m)
//
// Source: The Geometry Center, "Geomview Manual", section "OFF Files".
package off
