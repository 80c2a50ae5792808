// Package ops is the folder of the operation families, each a package of its
// own: Go side, kernels, and tests against a float64 oracle. It holds nothing but
// what is tested of all of them together.
//
//	matmul       matrix products in three layouts
//	conv         convolutions over images and video
//	attention    masked attention, for training and over a key-value cache
//	resize, rows changes of size; gathers and sums of rows by index
//	bsq, codebook, gray
//	             quantisers of latents
//	embed, norm, rope, activation, elementwise, loss, adamw
//	sample, grammar, step
//	             drawing tokens, by rules if there are any, and feeding them back, on the device
//
// If all lanes load from one address, that memory must be readable even where the
// conditions and loops around the load exclude it: lavapipe of Mesa 26.2 loads in any case
// and drops the values (lib/present.glsl).
//
// It is not for what an operation runs on (see gpu) nor for networks (see models).
package ops
