// Package cube is the video family: a clip -> spatiotemporal cells -> one binary
// spherical code a cell (see Tokenizer) -> a transformer that predicts the cells
// of one cube after the other -> frames.
//
// It is not for cutting pixels (see codecs/cube) nor for files (codecs/video).
//
// The six parts: binary codes; order cube by cube, raster over time, rows and
// columns; visibility key(k) <= key(q) = cube; input form the codes of the cells
// before it in time, to the left and above, outside the cube; independent bits;
// temperature.
//
// Source: cubes in raster order follow VideoAR, arXiv 2509.24081; codes follow
// Zhao, Xiong and Krähenbühl, arXiv 2406.07548; the networks are ours.
//
// Letters: t, h, w extents of the grid of cells; n cells; l bits of a code.
package cube
