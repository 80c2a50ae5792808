// Package cube splits a clip into a grid of spatiotemporal cubes and joins it again
// exactly. Cubes are the units that the video family predicts. It is not for tokens
// (see models) or files (see codecs/video).
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
// Cubes are in raster order, time outermost, then rows, then columns, and so are the
// pixels of a cube: Pix is [nt, nh, nw, t, h, w, 3]. This is the order of the cube
// units in Ren et al., "Autoregressive Video Generation beyond Next Frames Prediction",
// 2025, arXiv:2509.24081.
//
// # Padding
//
// An axis of the clip that is not a multiple of the cube's is padded by repeating the
// last frame, row or column (edge replication), since black would add an edge. The grid
// records the clip's T, H and W. Join drops the padding, so Join(Split(c)) equals c for
// every clip and size. An empty clip has an empty grid.
//
// Letters: t, h, w the extents of a cube; nt, nh, nw cubes an axis; T, H, W the clip's.
package cube
