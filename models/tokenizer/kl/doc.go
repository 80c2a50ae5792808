// Package kl is the image autoencoder of MAR: convolutional networks between a picture
// and a grid of continuous latents, both ways, on the device.
//
//	c, err := kl.Open(dev, kl.Default(), weights, kl.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	latents, err := c.Encode(pix, 256, 256, nil) // 16 by 16 latents of 16 numbers
//	pix, err = c.Decode(latents, 16, 16)
//
// It is not for training.
//
// Source: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models",
// 2021, arXiv:2112.10752; Li et al., "Autoregressive Image Generation without Vector
// Quantization", 2024, arXiv:2406.11838. Names and conventions follow LTH14/mar.
//
// Letters: h rows and w columns of a picture, n pixels a side of one latent, z numbers
// of a latent.
package kl
