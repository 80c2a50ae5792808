// Package octgpt is the tokenizer of OctGPT: it turns points on a surface into an octree of
// split flags with a code of bits for each node of its last level, and such a tree into a
// field whose level set is the surface.
//
//	c, err := octgpt.Open(dev, cfg, weights)
//	if err != nil {
//		return err // errors.Is(err, nn.ErrWeights), …
//	}
//	defer c.Free()
//	tree, codes, err := c.Encode(points, normals) // in [-1, 1]³
//	field, err := c.Decode(tree, codes)
//	y := field.At(mesh.Vec3{0, 0.5, 0})           // below 0: inside
//
// The encoder is a convolutional network over the nodes of an octree, from the finest level
// up to that of the codes. A code is the signs of a row's numbers, on the unit sphere. The
// decoder is a U-Net over the dual graphs of the tree. On its way down it predicts which nodes
// split further, level by level, and in the end a linear function for every leaf, see
// dual.Field. So a shape takes a program for each level that is predicted, since only the
// flags say how many nodes the next one has. The graphs are made on the host.
//
// Every shape runs by itself, so its bits do not depend on others. All is f32.
//
// It is not for training, nor for octrees and graphs themselves (see octree/dual).
//
// Source: Wei et al., "OctGPT: Octree-based Multiscale Autoregressive Models for 3D Shape
// Generation", 2025, arXiv:2504.09975; Wang, Liu and Tong, "Dual Octree Graph Networks for
// Learning Adaptive Volumetric Shape Representations", 2022, arXiv:2205.02825. Names follow
// octree-nn/octgpt.
//
// Letters: d level, n nodes, c channels, m nodes that split.
package octgpt
