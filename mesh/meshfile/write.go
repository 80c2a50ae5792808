package meshfile

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/off"
	"github.com/morton-gen/morton/mesh/ply"
	"github.com/morton-gen/morton/mesh/stl"
)

// Written lists the extensions that [Write] accepts.
var Written = []string{".obj", ".glb", ".ply", ".stl", ".off"}

// Write writes m to path in the format of its extension, one of [Written], in
// upper or lower case. The file is written to a temporary name, synced and
// renamed, so path never holds a partial mesh.
//
// The error wraps [ErrNotMesh] for another extension, or is that of the
// format's package.
func Write(path string, m *mesh.Mesh) error {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".obj":
		return obj.WriteFile(path, m)
	case ".ply":
		return ply.WriteFile(path, m)
	case ".stl":
		return stl.WriteFile(path, m)
	case ".off":
		return off.WriteFile(path, m)
	case ".glb":
		return gltf.Write(path, m, gltf.WriteOptions{})
	default:
		return fmt.Errorf("meshfile.Write: %w: %s (%s are written)", ErrNotMesh, path, strings.Join(Written, ", "))
	}
}
