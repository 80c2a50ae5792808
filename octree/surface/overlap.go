package surface

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
)

// Overlap returns the volume that the closed parts of two meshes share, of the volume that
// either has: their intersection over their union, 0 to 1. It counts the corners of a grid of
// the given depth over the domain, which both must lie in. Parts are closed as [Build] takes them;
// sheets have no volume. It is 0 where neither mesh has any. Errors are those of Build.
func Overlap(a, b *mesh.Mesh, depth int) (float64, error) {
	var solids [2]*solid
	for i, m := range []*mesh.Mesh{a, b} {
		s, err := newSource(m, depth)
		if err == nil {
			solids[i], err = newSolid(s)
		}
		if err != nil {
			return 0, fmt.Errorf("surface.Overlap: %w", err)
		}
	}
	both, either := 0, 0
	side := uint32(solids[0].side)
	for x := range side {
		for y := range side {
			for z := range side {
				p, q := solids[0].inside(x, y, z), solids[1].inside(x, y, z)
				if p && q {
					both++
				}
				if p || q {
					either++
				}
			}
		}
	}
	if either == 0 {
		return 0, nil
	}
	return float64(both) / float64(either), nil
}
