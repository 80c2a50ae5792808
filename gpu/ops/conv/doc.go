// Package conv holds convolutions over images and video.
//
//	s := conv.Shape{T: 5, H: 32, W: 32, Cin: 64, Cout: 128, Kernel: [3]int{3, 3, 3}, Pad: [3][2]int{{2, 0}, {1, 1}, {1, 1}}}
//	conv.Forward(rec, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y}) // causal in time
//
// It is not for convolutions over octrees (see gpu/ops/rows). Groups and dilation
// are not there: no network of this project has any.
//
// [Winograd] is the same sum for kernels of 3 by 3 over pictures, with fewer products.
//
// Every pass gathers the elements that a block of rows needs into a temporary of at
// most 8 MiB and hands it to gpu/ops/matmul, so memory is bounded and sums run in the
// order of (tap, channel).
//
// Letters: b samples, t frames, h rows and w columns of a picture, c channels, last;
// a tap is one of the kernel's positions (kt, kh, kw).
package conv
