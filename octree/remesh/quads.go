package remesh

import (
	"cmp"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// Two triangles make a quad if their normals are so near (10 degrees), and no corner
// of the quad is flatter than this sine.
const (
	coplanar = 0.985
	leastSin = 0.1
)

// couple is two triangles that could be a quad.
type couple struct {
	quality    float64 // the least sine of a corner
	face, twin int32
	quad       [4]int32
}

// coupled returns m with pairs of triangles made quads, the squarest first. No vertex
// is left with fewer than three faces, so m stays a manifold.
func coupled(m *mesh.Mesh) *mesh.Mesh {
	degree := make([]int32, len(m.Vertices))
	for _, v := range m.Corners {
		degree[v]++
	}
	taken := make([]bool, m.NumFaces())
	quads := map[int32][4]int32{}
	for _, c := range couples(m) {
		u, v := c.quad[1], c.quad[3] // the ends of the edge that goes
		if taken[c.face] || taken[c.twin] || degree[u] <= 3 || degree[v] <= 3 {
			continue
		}
		taken[c.face], taken[c.twin] = true, true
		degree[u]--
		degree[v]--
		quads[c.face] = c.quad
	}
	out := &mesh.Mesh{Vertices: m.Vertices, Starts: []int32{0}}
	for f := range m.NumFaces() {
		if quad, ok := quads[int32(f)]; ok {
			out.Corners = append(out.Corners, quad[:]...)
		} else if !taken[f] {
			out.Corners = append(out.Corners, m.Face(f)...)
		} else {
			continue
		}
		out.Starts = append(out.Starts, int32(len(out.Corners)))
	}
	return out
}

// couples lists the pairs of triangles that make good quads, the best first.
func couples(m *mesh.Mesh) []couple {
	sides := map[[2]int32]int32{} // of triangles
	for f := range m.NumFaces() {
		if face := m.Face(f); len(face) == 3 {
			for i := range 3 {
				sides[[2]int32{face[i], face[(i+1)%3]}] = int32(f)
			}
		}
	}
	var all []couple
	for f := range m.NumFaces() {
		face := m.Face(f)
		for i := 0; len(face) == 3 && i < 3; i++ {
			u, v, w := face[i], face[(i+1)%3], face[(i+2)%3]
			if twin, ok := sides[[2]int32{v, u}]; ok && int32(f) < twin {
				quad := [4]int32{w, u, across(m.Face(int(twin)), u, v), v}
				if q := squareness(m, quad); q >= leastSin {
					all = append(all, couple{q, int32(f), twin, quad})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b couple) int { return cmp.Compare(b.quality, a.quality) })
	return all
}

// across returns the corner of a triangle that is neither u nor v.
func across(face []int32, u, v int32) int32 {
	for _, w := range face {
		if w != u && w != v {
			return w
		}
	}
	return -1
}

// squareness is the least sine of a quad's corners, seen along its normal, and 0 if
// its two halves are not coplanar.
func squareness(m *mesh.Mesh, quad [4]int32) float64 {
	var p [4]mesh.Vec3
	for i, v := range quad {
		p[i] = m.Vertices[v]
	}
	one := p[1].Sub(p[0]).Cross(p[3].Sub(p[0])).Unit()
	other := p[3].Sub(p[2]).Cross(p[1].Sub(p[2])).Unit()
	if one.Dot(other) < coplanar {
		return 0
	}
	n, least := one.Add(other).Unit(), 1.0
	for i := range p {
		ahead, back := p[(i+1)%4].Sub(p[i]).Unit(), p[(i+3)%4].Sub(p[i]).Unit()
		least = min(least, ahead.Cross(back).Dot(n))
	}
	return least
}
