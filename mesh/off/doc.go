// Package off reads and writes polygon meshes as OFF text, the object file
// format of Geomview.
//
// Colours, normals and texture coordinates are skipped. The binary form and
// other dimensions are errors.
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
