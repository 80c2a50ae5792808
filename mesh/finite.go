package mesh

import (
	"fmt"
	"math"
)

// RemoveNonFinite returns m without the vertices that have a NaN or infinite
// coordinate, and their number. It returns m itself if there are none. The
// error wraps [ErrNotFinite] if a face uses such a vertex.
func RemoveNonFinite(m *Mesh) (*Mesh, int, error) {
	bad := 0
	for _, p := range m.Vertices {
		if !p.IsFinite() {
			bad++
		}
	}
	if bad == 0 {
		return m, 0, nil
	}
	out := Clone(m)
	out.Vertices = out.Vertices[:0]
	to := make([]int32, len(m.Vertices))
	for v, p := range m.Vertices {
		to[v] = -1
		if p.IsFinite() {
			to[v] = out.AddVertex(p)
		}
	}
	for i, v := range m.Corners {
		if out.Corners[i] = to[v]; to[v] < 0 {
			return nil, 0, fmt.Errorf("mesh.RemoveNonFinite: %w: vertex %d is %v, and a face uses it", ErrNotFinite, v, m.Vertices[v])
		}
	}
	return out, bad, nil
}

// IsFinite reports whether no coordinate is NaN or infinite.
func (a Vec3) IsFinite() bool {
	for _, x := range a {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
