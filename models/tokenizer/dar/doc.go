// Package dar is the tokenizer of D-AR: a picture is a line of tokens, and a diffusion of few
// steps in the space of pixels turns them back.
//
//	c, err := dar.Open(dev, cfg, weights, dar.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	tokens, err := c.Encode(pix) // 256 tokens of 256 by 256 pixels
//	pix, err = c.Decode(tokens, noise)
//
// A transformer reads patches of the picture and then learned queries, of which each sees the
// patches and the queries before it. What stands at the queries is projected to few columns, and
// the nearest code in direction is a token. To decode, another transformer reads the codes in
// order. Each step of the diffusion looks at one group of what it makes of them: so the first
// tokens decide what a picture is, and the last ones its details. Steps are those of Adams and
// Bashforth, of second order.
//
// A picture depends on its tokens and on the noise that it starts from, which the id of a
// sample decides. All is f32.
//
// It is not for training.
//
// Source: Gao and Shou, "D-AR: Diffusion via Autoregressive Models", 2025, arXiv:2505.23660.
// Names follow showlab/D-AR.
//
// Letters: p patches, q tokens, d width, v codes of z elements.
package dar
