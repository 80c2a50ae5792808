// Package draw renders small pictures of meshes with the edges of their polygons,
// for contact sheets and tests.
//
// It is not for FID or other image metrics, nor for speed: it rasterises on the CPU.
//
//	picture, err := draw.Draw(m, draw.Options{Size: 256, Azimuth: 35, Elevation: 25})
//	if err != nil {
//		return err
//	}
//	err = png.Encode(file, picture)
package draw
