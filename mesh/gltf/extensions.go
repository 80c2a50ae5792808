package gltf

import (
	"fmt"
	"slices"
	"strings"

	qgltf "github.com/qmuntal/gltf"
)

const (
	extNgon         = "FB_ngon_encoding"
	extQuantization = "KHR_mesh_quantization"
	extDraco        = "KHR_draco_mesh_compression"
)

var extMeshopt = []string{"EXT_meshopt_compression", "KHR_meshopt_compression"}

// harmless are extensions a file may require although they change nothing
// about where surfaces are. Those of materials are known by their prefix.
var harmless = []string{
	extNgon, extQuantization,
	"EXT_lights_image_based", "EXT_texture_avif", "EXT_texture_webp", "KHR_animation_pointer", "KHR_lights_punctual",
	"KHR_texture_basisu", "KHR_texture_transform", "KHR_xmp_json_ld", "MSFT_texture_dds",
}

func checkRequired(required []string) error {
	for _, name := range required {
		if !slices.Contains(harmless, name) && !strings.HasPrefix(name, "KHR_materials_") {
			return fmt.Errorf("%w: %s", ErrExtension, name)
		}
	}
	return nil
}

// has reports whether exts holds one of names, and which.
func has(exts qgltf.Extensions, names ...string) (string, bool) {
	for _, name := range names {
		if _, ok := exts[name]; ok {
			return name, true
		}
	}
	return "", false
}
