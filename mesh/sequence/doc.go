// Package sequence turns a mesh into a face sequence, the tokens that the quad
// family predicts, and back.
//
// It is not for files, nor for sampling: gpu/ops/grammar masks the tokens that
// this layout forbids.
//
//	scaled, _, back, err := mesh.Normalize(m, 0.95)
//	tokens, report, err := sequence.Encode(scaled, sequence.Options{})
//	...
//	generated, _, err := sequence.Decode(tokens, sequence.Options{Tolerant: true})
//	placed := mesh.Transformed(generated, back.Matrix())
//
// # Layout
//
// Every face is 12 tokens, and the end token follows the last:
//
//	quad      z x y   z x y   z x y   z x y
//	triangle  P P P   z x y   z x y   z x y
//	end       E
//
// Coordinates are the ids 0 … Levels−1, the pad P is Levels, the end E is
// Levels+1. Within a vertex z comes first, then x, then y, so tokens sort as
// vertices do. A pad in first place marks a triangle.
//
// # Quantisation
//
// The interval [-1, 1] is cut into Levels cells of equal width, and a coordinate
// becomes its cell:
//
//	id(x) = min(⌊(x + 1) / 2 · Levels⌋, Levels − 1)
//	x(id) = (2·id + 1) / Levels − 1           the centre of the cell
//
// so that a decoded mesh encodes to the same ids. The error is at most 1/Levels a
// coordinate. Meshes are normalised to [-0.95, 0.95] beforehand, which leaves
// room for what a model adds.
//
// # Canonical order
//
//  1. Vertices in the same cells merge. Corners that repeat, and spikes, are
//     dropped ([mesh.RemoveDegenerate]), and faces with fewer than three
//     corners left.
//  2. Faces of more than four corners are split ([mesh.SplitNgons]) on the
//     quantised mesh, in exact arithmetic.
//  3. Vertices are sorted by (z, x, y); each face is rotated so that its
//     lowest vertex comes first, winding kept; faces are sorted by their
//     vertices, a triangle before a quad that begins with the same three.
//  4. A face that repeats another, with the same winding, is dropped.
//
// The result does not depend on the order of vertices, faces and corners in the
// source, except for non-planar or non-convex n-gons that lie in several ways.
//
// Source of the layout: QuadGPT, arXiv:2509.21420 (coordinate order within a
// vertex, face order and the end token are not stated there, and ours).
//
// Letters used in comments: v vertices, f faces, n tokens.
package sequence
