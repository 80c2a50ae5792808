// Package msvq is the image tokenizer of VAR: convolutional networks between a picture
// and indices of several scales, both ways, on the device. Each scale codes what the
// scales before it left over.
//
//	c, err := msvq.Open(dev, cfg, weights, msvq.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	tokens, err := c.Encode(pix, 256, 256) // 680 tokens: 1, 4, 9, … 256
//	pix, err = c.Decode(tokens)
//
// [Quantizer] is the arithmetic between tokens and feature maps. A generator that is fed
// accumulated codes uses it too.
//
// It is not for training, nor for pictures of another size than the scales say.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905. Names
// and conventions follow FoundationVision/VAR.
//
// Letters: b pictures, k scales, p the side of a scale, s that of the last, v codes of d
// elements.
package msvq
