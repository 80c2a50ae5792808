// Package codebook holds vector quantisation by a learned table: the nearest code of
// every row.
//
//	codebook.Nearest(rec, codebook.NearestArgs{X: z, Codes: e, IDs: ids})
//	rows.Gather(rec, rows.GatherArgs{X: e, IDs: ids, Out: code}) // and the decoder follows
//
// The straight-through gradient needs no kernel: what arrives at code is z's gradient,
// to which elementwise.MSE adds the commitment term's. A table that is learned has
// rows.Segment over the ids sum what its rows receive. Codes on
// the unit sphere are normalized, with the gradient, by norm.RMS with a gain of 1/√d.
//
// It is not for codes without a table (see gpu/ops/bsq and gpu/ops/gray).
//
// Source: van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation
// Learning", 2017, arXiv:1711.00937.
//
// Letters: n rows of d columns, v codes.
package codebook
