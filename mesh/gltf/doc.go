// Package gltf reads glTF 2.0 files into polygon meshes and writes meshes as
// GLB files whose quads and n-gons survive.
//
// Reading takes a GLB, or a .gltf with buffers beside it or in data URIs, and
// returns what the default scene shows at rest: the node tree's transforms,
// skins in bind pose and morph targets at their default weights are applied,
// every primitive mode that has area becomes faces, and primitives marked with
// FB_ngon_encoding come back as the quads and n-gons they were made from.
// Instances, hidden nodes, quantised and meshopt-packed buffers are understood.
// Writing produces one deterministic GLB with that same encoding.
//
// It is not for materials, textures, animation or cameras, which are skipped,
// nor for mesh repair (package mesh) or other formats (package mesh/obj).
//
//	m, info, err := gltf.Read("chair.glb", gltf.ReadOptions{})
//	if errors.Is(err, gltf.ErrExtension) {
//		return fmt.Errorf("decompress it first: %w", err)
//	} else if err != nil {
//		return err
//	}
//	fmt.Println(m.NumFaces(), "faces from", info.Instances, "objects")
//	err = gltf.Write("copy.glb", m, gltf.WriteOptions{})
//
// Letters used in comments: v vertices, f faces, k corners of a face, n
// elements of an accessor, j joints of a skin.
//
// Sources: The Khronos Group, "glTF 2.0 Specification", version 2.0.1, 2021;
// P. Winzell and M. Bunnell, "FB_ngon_encoding" (draft vendor extension);
// "KHR_mesh_quantization" (ratified extension).
package gltf
