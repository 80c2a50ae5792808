// Package meshfile reads and writes mesh files of every supported format, detected by name
// and first bytes. Info describes their contents alike. Commands and pipelines use this
// package.
//
// It is not for the formats themselves (see mesh/obj, mesh/gltf, mesh/ply, mesh/stl and
// mesh/off).
//
//	m, info, err := meshfile.Read("scan.ply", meshfile.Options{})
//	if errors.Is(err, meshfile.ErrNotMesh) {
//		return nil // some other kind of file
//	} else if err != nil {
//		return err
//	}
//	fmt.Println(info.Format, info.Vertices, "vertices,", info.DroppedFaces, "faces dropped")
//	err = meshfile.Write("scan.glb", m)
package meshfile
