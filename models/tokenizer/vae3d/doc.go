// Package vae3d is the video autoencoder of NOVA: convolutional networks between a clip
// and a grid of continuous latents, both ways, on the device. They are causal in time:
// the first frame has latents of its own.
//
//	c, err := vae3d.Open(dev, cfg, weights, vae3d.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	latents, err := c.Encode(pix, 33, 480, 768, nil) // 9 by 60 by 96 latents of 4 numbers
//	pix, err = c.Decode(latents, 9, 60, 96)
//
// Long clips go through in windows of 17 frames or 5 latents, so memory does not grow
// with their length. It is not for training, nor for pictures: see package kl.
//
// Source: Lin et al., "Open-Sora Plan", 2024, arXiv:2412.00131; Deng et al.,
// "Autoregressive Video Generation without Vector Quantization", 2024, arXiv:2412.14169.
// Names and conventions follow baaivision/NOVA.
//
// Letters: t frames, h rows and w columns of a clip, n pixels a side of one latent, c
// channels, z numbers of a latent.
package vae3d
