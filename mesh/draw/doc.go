// Package draw makes small pictures of meshes, with the edges of their polygons
// drawn: thumbnails for contact sheets, and something to look at in a test.
//
// It is not for FID or other measures on pictures, nor for anything fast: it
// fills triangles on the processor.
//
//	picture, err := draw.Draw(m, draw.Options{Size: 256, Azimuth: 35, Elevation: 25})
//	if err != nil {
//		return err
//	}
//	err = png.Encode(file, picture)
package draw
