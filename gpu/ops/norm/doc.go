// Package norm scales rows to unit size: root-mean-square and layer
// normalization, with their gradients.
//
//	norm.RMS(rec, norm.RMSArgs{X: x, Gain: g, Out: y, RStd: rstd})
//
// It is not for normalization over other axes (batch, group) nor for the
// normalization of codes onto a sphere.
//
// Letters: n rows, d columns. Rows may come in groups of Inner neighbours, such
// as the heads of one token in a [tokens, 3·heads·d] matrix.
package norm
