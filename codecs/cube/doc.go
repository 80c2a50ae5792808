// Package cube cuts a clip into a grid of spatiotemporal cubes and puts it back
// together, exactly. Cubes are the units that the video family predicts. The package
// is not for turning a cube into tokens (models), nor for files (codecs/video).
//
//	g, err := cube.Split(c, cube.Size{T: 4, H: 8, W: 8})
//	if err != nil {
//		return err
//	}
//	x := make([]float32, len(g.Pix)) // [n, t·h·w·3], n = g.Count()
//	g.Floats(x)
//	… a tokenizer changes x …
//	g.SetFloats(x)
//	c, err = g.Join()
//
// # Order
//
// Cubes follow each other in raster order, time outermost, then rows, then columns,
// and so do the pixels in a cube: Pix is [nt, nh, nw, t, h, w, 3]. This is the order
// of the cube units in Ren et al., "Autoregressive Video Generation beyond Next Frames
// Prediction", 2025, arXiv:2509.24081.
//
// # Padding
//
// An axis of the clip that is no multiple of the cube's is padded at its end by
// repeating the last frame, row or column (edge replication): black would put an edge
// where the clip has none. The grid keeps the clip's own T, H and W, and Join drops the
// padding, so Join(Split(c)) equals c for every clip and every size. An empty clip has
// an empty grid.
//
// Letters: t, h, w the extents of a cube; nt, nh, nw cubes an axis; T, H, W the clip's.
package cube
