// Package grammar holds the rules of token languages, as kernels that say which
// tokens may be drawn next.
//
//	faces := grammar.FacesArgs{Tokens: state.Tokens, Seq: rows.Seq, Draw: rows.Draw, Levels: 128, Start: 128}
//	mask := grammar.Faces(rec, faces)
//	grammar.Surface(rec, grammar.SurfaceArgs{FacesArgs: faces, Guide: guides, Mask: mask}) // along a surface
//	sample.Softmax(rec, sample.SoftmaxArgs{…, Mask: mask})
//
// It is not for filters that look at probabilities (see gpu/ops/sample).
//
// Letters: r rows, b slots, l positions of a slot, v vocabulary.
package grammar
