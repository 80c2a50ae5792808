package obj

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// dropNonFinite removes vertices that are not finite. The error wraps
// [mesh.ErrNotFinite] if a face uses one.
func (p *parser) dropNonFinite() error {
	if len(p.nonFinite) == 0 {
		return nil
	}
	for i, c := range p.mesh.Corners {
		before, found := slices.BinarySearch(p.nonFinite, c)
		if found {
			return fmt.Errorf("obj.Read: line %d: %w, and a face uses it", p.nonFiniteLines[before], mesh.ErrNotFinite)
		}
		p.mesh.Corners[i] -= int32(before)
	}
	kept := p.mesh.Vertices[:0]
	next := 0
	for v, point := range p.mesh.Vertices {
		if next < len(p.nonFinite) && int(p.nonFinite[next]) == v {
			next++
			continue
		}
		kept = append(kept, point)
	}
	p.mesh.Vertices = kept
	p.info.DroppedVertices = next
	return nil
}
