package surface

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
)

// Overlap returns the volume that the closed parts of two meshes share, of the volume that
// either has: their intersection over their union, 0 to 1. It counts the corners of a grid of
// the given depth over the domain, which both must lie in. Parts are closed as [Build] takes them,
// but for one that faces inwards inside another: what it encloses is hollow, as in the meshes of
// [Extract]. Sheets have no volume. It is 0 where neither mesh has any. Errors are those of Build.
func Overlap(a, b *mesh.Mesh, depth int) (float64, error) {
	var solids [2]*solid
	for i, m := range []*mesh.Mesh{a, b} {
		s, err := newSource(m, depth)
		if err == nil {
			s.unite()
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

// unite makes one part of those that are oriented, so that their winding numbers add up.
func (s *source) unite() {
	one := int32(-1)
	for i := range s.tris {
		t := &s.tris[i]
		if s.parts[t.part].rule != winding {
			continue
		}
		if one < 0 {
			one = t.part
		}
		t.part = one
	}
}
