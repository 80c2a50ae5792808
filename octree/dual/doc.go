// Package dual implements octrees of split flags for networks over octrees. It has the
// cells of a point cloud, neighbours and the dual graph. It also has a field that blends a
// linear function of every leaf.
//
//	t, features, err := dual.FromPoints(points, normals, 3, 8)
//	if err != nil {
//		return err
//	}
//	g, err := t.Graph(6)               // rows of a graph network, with their neighbours
//	if err != nil {
//		return err
//	}
//	f, err := dual.NewField(t, values) // four numbers for each row of t.Graph(8)
//	y := f.At(mesh.Vec3{0, 0.5, 0})
//
// It is not for trees without empty nodes (see octree), nor for meshes (see
// octree/surface).
//
// # Conventions
//
// All nodes of level Top exist. A node that splits has eight children, whether there is a
// surface in them or not. Nodes of a level are in Morton order, and keys are those of package
// octree. The domain is [-1,1]³.
//
// The nodes of the dual graph at level d are the leaves of the levels above d, level by level,
// and then all nodes of level d. Two are neighbours if they share a part of a face, so a large
// leaf may have any number of small neighbours on one side.
//
// Letters used in comments: d level, n nodes, r row of a node among the nodes of its level.
//
// Source: Wang et al., "O-CNN: Octree-based Convolutional Neural Networks for 3D Shape
// Analysis", 2017, arXiv:1712.01537; Wang, Liu and Tong, "Dual Octree Graph Networks for
// Learning Adaptive Volumetric Shape Representations", 2022, arXiv:2205.02825.
package dual
