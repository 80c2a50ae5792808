// Package furniture reads the model libraries of Debian's sweethome3d-furniture:
// zip archives (.sh3f) of OBJ files with a catalogue that names each model's
// creator.
//
// It knows the four libraries whose licences allow shipping what is trained on
// them, and which models are never trained on. It is not for splitting or
// measuring meshes (see mesh).
//
//	models, err := furniture.Open("/usr/share/sweethome3d/furniture", furniture.Libraries[0])
//	if err != nil {
//		return err
//	}
//	defer models.Close()
//	for _, m := range models.List {
//		shape, err := models.Mesh(m)
//		...
//	}
package furniture
