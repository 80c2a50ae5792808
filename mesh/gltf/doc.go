// Package gltf reads glTF 2.0 files into polygon meshes and writes meshes as
// GLB files whose quads and n-gons survive.
//
// Read accepts a GLB, or a .gltf with buffers beside it or in data URIs. It
// returns the default scene at rest: node transforms, skins in bind pose and
// morph targets at their default weights are applied. Every primitive mode with
// area becomes faces. Primitives marked with FB_ngon_encoding become quads and
// n-gons again. Instances, hidden nodes, quantised and meshopt-packed buffers
// are supported. Write produces one deterministic GLB with the same encoding.
//
// Materials, textures, animation and cameras are skipped. It is not for mesh
// repair (see mesh) or other formats (see mesh/meshfile).
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
// Sources: The Khronos Group, "glTF 2.0 Specification", version 2.0.1, 2021; P.
// Winzell and M. Bunnell, "FB_ngon_encoding" (draft vendor extension);
// "KHR_mesh_quantization" (ratified extension).
package gltf
