// Package resize changes the size of images and video, channels last: nearest,
// linear or cubic along each axis, and the average over areas. It has no gradient.
//
//	s := resize.Shape{T: 5, H: 16, W: 16, C: 64, To: [3]int{5, 32, 32}}
//	resize.Record(rec, resize.Args{Shape: s, Mode: resize.Nearest, X: x, Out: y})
//
// It is not for learned changes of size (see gpu/ops/conv).
//
// Letters: b samples, t frames, h rows and w columns of a picture, c channels.
package resize
