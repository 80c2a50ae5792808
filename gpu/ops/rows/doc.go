// Package rows moves rows of features by index: what a network over an octree is
// made of, where a convolution is a gather and a matrix product.
//
//	rows.Gather(rec, rows.GatherArgs{X: x, IDs: neighbours, Out: cols})             // [n, 27·d], -1 is zeros
//	matmul.Record(rec, matmul.Args{Layout: matmul.NT, A: cols, B: w, C: y})         // w [out, 27·d]
//	rows.Segment(rec, rows.SegmentArgs{X: x, Starts: s, Rows: e, Out: z, Mean: true}) // [n, 7·d] of a graph
//
// No sum is scattered: a result gathers its terms by a table in compressed form, so
// that sums have an order. [Transpose] makes the table of the way back. [Scatter] only
// moves rows.
//
// It is not for tables of tokens (see gpu/ops/embed) nor for building an octree's
// indices (see octree).
//
// Letters: n rows of d columns in, v segments out, k ids a row.
package rows
