// Package vq is the image tokenizer of LlamaGen: convolutional networks between a
// picture and a grid of indices into a code book, both ways, on the device.
//
//	c, err := vq.Open(dev, cfg, weights, vq.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	tokens, err := c.Encode(pix, 256, 256) // 16 by 16 tokens with VQ-16
//	pix, err = c.Decode(tokens, 16, 16)
//
// Every picture runs by itself, so its bits do not depend on a batch. Feature maps are
// channels last; weights are rearranged once, when they are loaded. All is f32.
//
// It is not for training, nor for residual or multi-scale codes.
//
// Source: Sun et al., "Autoregressive Model Beats Diffusion: Llama for Scalable Image
// Generation", 2024, arXiv:2406.06525; the networks are those of Esser, Rombach and
// Ommer, "Taming Transformers", 2021, arXiv:2012.09841; codes on the unit sphere are from
// Yu et al., 2021, arXiv:2110.04627. Names and conventions follow FoundationVision/LlamaGen.
//
// Letters: h rows and w columns of a picture, c channels, n pixels a side of one token,
// v codes of d elements.
package vq
