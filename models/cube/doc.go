// Package cube is the video family. A clip becomes spatiotemporal cells, and each cell
// a binary spherical code (see Tokenizer). A transformer predicts the cells of one cube
// after the other, and the codes become frames.
//
// It is not for cutting pixels (see codecs/cube) nor for files (codecs/video).
//
// Its parts:
//
//	token     a binary code
//	schedule  cube by cube, in raster order over time, rows and columns
//	sees      the cells of earlier cubes and of its own
//	input     the codes of the cell before in time, and of those left of and above the cube
//	head      independent bits
//	sampling  temperature
//
// Source: cubes in raster order follow VideoAR, arXiv 2509.24081; codes follow
// Zhao, Xiong and Krähenbühl, arXiv 2406.07548; the networks are ours.
//
// Letters: t, h, w extents of the grid of cells; n cells; l bits of a code.
package cube
