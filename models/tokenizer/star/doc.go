// Package star is the video autoencoder of InfinityStar: networks between a clip and a
// grid of features, both ways, on the device. They are causal in time, and the first
// frame has features of its own.
//
//	c, err := star.Open(dev, star.Default(), weights, star.Options{})
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	features, err := c.Encode(pix, 81, 480, 848, nil) // 21 by 30 by 53 features of 64 numbers
//	err = c.DecodeFloats(features, 21, 30, 53, show)
//
// Clips go through in chunks: every convolution keeps the last two frames that it saw, so
// chunks give what the whole clip gives, in memory that does not grow with its length.
// A [Coder] turns features into bits, as a pyramid of scales of which each codes what those
// before it left over, and back. It is not for training.
//
// Source: Liu et al., "InfinityStar: Unified Spacetime AutoRegressive Modeling for Visual
// Generation", 2025, arXiv:2511.04675; Chen et al., "Deep Compression Autoencoder", 2024,
// arXiv:2410.10733, of which the shortcuts are. Names follow FoundationVision/InfinityStar.
//
// Letters: t frames, h rows and w columns of a clip, c channels, z channels of the
// networks' latents, of which a feature has 2 by 2.
package star
