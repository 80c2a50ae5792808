package remesh

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// margin keeps vertices away from the sides of their node, in cells: then those of
// two nodes never coincide.
const margin = 1.0 / 64

// apart moves vertices of m, in cells, that coincide, as those of two sheets in one
// node may: files know a vertex by its place, and would join the sheets there.
func apart(m *mesh.Mesh) *mesh.Mesh {
	out := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	taken := make(map[[3]int64]bool, len(m.Vertices))
	for i, p := range m.Vertices {
		at := p
		for try := 0; taken[place(at)]; try++ {
			at = p
			at[try%3] += float64(try/3+1) * margin / 8
		}
		taken[place(at)] = true
		out.Vertices[i] = at
	}
	return out
}

// place is what vertices must not share, in units of a sixteenth of the margin.
func place(p mesh.Vec3) (k [3]int64) {
	for a, x := range p {
		k[a] = int64(math.Round(x * 16 / margin))
	}
	return k
}
