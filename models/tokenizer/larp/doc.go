// Package larp is the video tokenizer of LARP, with which NAR draws videos. It turns a
// clip of fixed size into a sequence of indices into a code book, and back.
//
//	c, err := larp.Open(dev, cfg, weights, larp.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	tokens, err := c.Encode(pix) // 1,024 tokens of 16 frames of 128 by 128
//	pix, err = c.Decode(tokens)
//
// A transformer reads the clip's patches together with learned queries. What stands at
// the queries is projected to few columns, and the nearest code in direction is a token.
// Another transformer reads the codes together with a query for each patch, and what
// stands there are the pixels. So a token belongs to no place of the clip.
//
// Every clip runs by itself, so its bits do not depend on a batch. All is f32. Upstream
// samples tokens by default; this package takes the nearest code.
//
// It is not for training, nor for upstream's prior over tokens.
//
// Source: Wang et al., "LARP: Tokenizing Videos with a Learned Autoregressive Generative
// Prior", 2024, arXiv:2410.21264. Names follow hywang66/LARP.
//
// Letters: t frames, h rows, w columns, c channels; p patches, q tokens, d width, v codes
// of z elements.
package larp
