package gltf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	qgltf "github.com/qmuntal/gltf"
)

const (
	extNgon         = "FB_ngon_encoding"
	extQuantization = "KHR_mesh_quantization"
	extVisibility   = "KHR_node_visibility"
	extDraco        = "KHR_draco_mesh_compression"
)

var extMeshopt = []string{"EXT_meshopt_compression", "KHR_meshopt_compression"}

// understood are the extensions that this package applies.
var understood = []string{extNgon, extQuantization, extVisibility, extInstancing, extMeshopt[0], extMeshopt[1]}

// harmless are the extensions of the Khronos registry that cannot change a
// surface at rest: physics, animation, metadata and appearance. Files that
// require them are read.
var harmless = []string{
	"AGI_stk_metadata", "CESIUM_primitive_outline",
	"EXT_instance_features", "EXT_mesh_features", "EXT_mesh_manifold", "EXT_structural_metadata",
	"FB_geometry_metadata", "GODOT_single_root", "GRIFFEL_bim_data",
	"KHR_animation_pointer", "KHR_implicit_shapes", "KHR_interactivity", "KHR_node_hoverability", "KHR_node_selectability",
	"KHR_physics_rigid_bodies", "KHR_techniques_webgl", "KHR_xmp", "KHR_xmp_json_ld",
	"MPEG_audio_spatial", "MPEG_texture_video",
	"MSFT_lod", "MSFT_packing_normalRoughnessMetallic", "MSFT_packing_occlusionRoughnessMetallic",
}

// harmlessPrefixes are the prefixes of further such extensions: materials,
// textures, lights and sound.
var harmlessPrefixes = []string{
	"ADOBE_materials_", "EXT_materials_", "KHR_materials_", "NV_materials_", "VRMC_materials_",
	"EXT_texture_", "KHR_texture_", "MSFT_texture_",
	"EXT_lights_", "KHR_lights_", "KHR_audio",
}

// checkRequired returns an error wrapping [ErrExtension] for the first required
// extension that may change the surface.
func checkRequired(required []string) error {
	for _, name := range required {
		if !slices.Contains(understood, name) && !isHarmless(name) {
			return fmt.Errorf("%w: %s, which the file requires", ErrExtension, name)
		}
	}
	return nil
}

func isHarmless(name string) bool {
	return slices.Contains(harmless, name) ||
		slices.ContainsFunc(harmlessPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// ignored returns the extensions of used that had no effect on the result.
func (r *reader) ignored(used []string) []string {
	var out []string
	for _, name := range used {
		if !r.applied[name] && !slices.Contains(understood, name) {
			out = append(out, name)
		}
	}
	return out
}

// hidden reports whether KHR_node_visibility hides a node and its children.
func hidden(n *qgltf.Node) bool {
	raw, ok := n.Extensions[extVisibility].(json.RawMessage)
	if !ok {
		return false
	}
	ext := struct{ Visible bool }{true}
	return json.Unmarshal(raw, &ext) == nil && !ext.Visible
}

// has reports whether exts has one of names, and which.
func has(exts qgltf.Extensions, names ...string) (string, bool) {
	for _, name := range names {
		if _, ok := exts[name]; ok {
			return name, true
		}
	}
	return "", false
}
