// Package rope turns queries and keys by their positions, along one to four
// axes (time, height, width, …) at once.
//
//	freq, axis := rope.Table(64, []int{8, 12, 12}, 10000) // t, h, w
//	rope.Apply(rec, rope.Args{X: qkv, Out: qkv, Heads: 2 * heads, HeadDim: 64, LDX: 3 * d, LDOut: 3 * d, Pos: pos, Axes: 3, Freq: f, Axis: a})
//
// It is not for learned or added position embeddings (see gpu/ops/embed).
//
// Letters: n rows (tokens), dh columns of one head.
package rope
