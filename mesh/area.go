package mesh

import (
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrNoArea reports a mesh whose faces all have zero area.
var ErrNoArea = errkind.New("no_area", "mesh has no area")

// CheckArea returns nil if some face of m has area, however small or far from the
// origin m is. Otherwise the error wraps [ErrEmpty] if there are no faces, or
// [ErrNoArea].
//
// Every function that samples, voxelises or covers a surface calls it first, so
// that all reject the same meshes.
func CheckArea(m *Mesh) error {
	if m.NumFaces() == 0 {
		return fmt.Errorf("mesh.CheckArea: %w", ErrEmpty)
	}
	unit, _, _, err := Normalize(m, 1)
	if err != nil {
		return fmt.Errorf("mesh.CheckArea: %w", err)
	}
	for f := range unit.NumFaces() {
		if faceArea(unit.Vertices, unit.Face(f)) > 0 {
			return nil
		}
	}
	return fmt.Errorf("mesh.CheckArea: %w: in each face, of %d, all corners lie on a line", ErrNoArea, m.NumFaces())
}
