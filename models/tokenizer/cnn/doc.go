// Package cnn runs the convolutional networks that tokenizers have between a picture and
// a grid of latents, both ways, on the device. A [Codec] is two such networks with a
// [Latent] between them, which says what a latent is kept as: an index, indices of
// several scales, or numbers.
//
// Every picture runs by itself, so its bits do not depend on a batch. Feature maps are
// channels last; weights are rearranged once, when they are loaded. All is f32.
//
// It is not for training, nor for video. Packages vq, msvq and kl are its users; vae3d
// takes its weights and bounds for networks of three axes.
//
// Source: Esser, Rombach and Ommer, "Taming Transformers", 2021, arXiv:2012.09841; names
// are those of several authors' code, see [Names].
//
// Letters: h rows and w columns, c channels, n pixels a side of one latent.
package cnn
