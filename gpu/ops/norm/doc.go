// Package norm scales rows to unit size: root-mean-square and layer
// normalization, plain or modulated by a condition, with their gradients, and group
// normalization over rows.
//
//	norm.RMS(rec, norm.RMSArgs{X: x, Gain: g, Out: y, RStd: rstd})
//
// It is not for normalization over a batch, nor of codes onto a sphere (see
// gpu/ops/bsq).
//
// Letters: n rows, d columns; for groups c channels and b samples. Rows may come in
// groups of Inner neighbours, such as the heads of one token in a [tokens, 3·heads·d]
// matrix.
package norm
