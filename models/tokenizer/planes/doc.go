// Package planes turns the tokens of shapes into three planes of features, as SAR3D codes
// them. Each scale codes, on all planes, what the scales before it left over.
//
// It ends at the planes. What upstream makes of them, a field that is rendered or a mesh, takes
// networks that are not here. Nor is the encoder, which reads views of a shape. The convolutions
// and the quantizer of pictures are in package msvq.
//
// Letters: b shapes, k scale, s side of the last scale, d numbers of a code.
//
// Source: Chen et al., "SAR3D: Autoregressive 3D Object Generation and Understanding via
// Multi-scale 3D VQVAE", 2024, arXiv:2411.16856.
package planes
