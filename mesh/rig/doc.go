// Package rig holds skinned meshes: a surface, a tree of joints, and how much each joint
// moves each vertex. It poses them, orders their joints, and says how far two skeletons
// are apart.
//
// It is not for files (package mesh/gltf reads and writes them) nor for making rigs (package
// models does).
//
//	r, _, err := gltf.ReadRig("fox.glb", gltf.ReadOptions{})
//	if err != nil {
//		return err
//	}
//	turns := make([]rig.Turn, len(r.Joints))
//	turns[3] = rig.Turn{Axis: mesh.Vec3{0, 0, 1}, Radians: 0.5}
//	posed, err := r.Pose(turns)
//
// Letters used in comments: v vertices, j joints.
package rig
