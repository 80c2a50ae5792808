package quadfield

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// patch is a closed mesh of quads and triangles with feature lines at its
// vertices.
type patch struct {
	at     []mesh.Vec3
	kind   []kind
	line   []int32 // [v] the line through v; 0 for none
	ideal  []int   // [v] ideal valence
	faces  [][]int32
	beside [][2]int32         // [v] neighbours of v on its line
	marks  map[[2]int32]int32 // the line of each edge, by its ends, the lower first
}

func key(a, b int32) [2]int32 { return [2]int32{min(a, b), max(a, b)} }

// patch returns the mesh of pairs and unpaired triangles.
func (p *matching) patch() *patch {
	m := p.m
	out := &patch{at: m.at, kind: m.kind, line: make([]int32, len(m.at)), ideal: make([]int, len(m.at)), marks: map[[2]int32]int32{}}
	for v := range m.at {
		if out.ideal[v] = 4; m.kind[v] == corner {
			out.ideal[v] = m.suiting(int32(v))
		}
		if m.kind[v] == onLine {
			out.line[v] = m.lineOf(int32(v))
		}
	}
	for h, line := range m.line {
		if line != 0 {
			out.marks[key(m.from[h], m.to(int32(h)))] = line
		}
	}
	for f, h := range p.mate {
		switch {
		case h < 0:
			out.faces = append(out.faces, []int32{m.from[3*f], m.from[3*f+1], m.from[3*f+2]})
		case h < m.twin[h]:
			q := p.quad(h)
			out.faces = append(out.faces, q[:])
		}
	}
	return out
}

// suiting returns the ideal valence of a corner: each sector between lines gets the
// nearest number of right angles.
func (m *triangles) suiting(v int32) (n int) {
	first := m.out[v]
	for m.line[first] == 0 {
		if first = m.spin(first); first == m.out[v] {
			break
		}
	}
	angle := 0.0
	for h := first; ; { // clockwise
		t := m.twin[h]
		a, b := m.vec(h).Unit(), m.at[m.apex(t)].Sub(m.at[v]).Unit()
		angle += math.Acos(min(max(a.Dot(b), -1), 1))
		if h = m.spin(h); m.line[h] != 0 || h == first {
			n += max(int(math.Round(angle/(math.Pi/2))), 1)
			angle = 0
		}
		if h == first {
			return max(n, 3)
		}
	}
}

// split splits each face into quads around its middle (Catmull and Clark's
// split).
func (p *patch) split(l lines) *patch {
	out := &patch{at: append([]mesh.Vec3{}, p.at...), marks: map[[2]int32]int32{}}
	out.kind, out.line, out.ideal = append(out.kind, p.kind...), append(out.line, p.line...), append(out.ideal, p.ideal...)
	add := func(at mesh.Vec3, k kind, line int32) int32 {
		out.at, out.kind, out.line, out.ideal = append(out.at, at), append(out.kind, k), append(out.line, line), append(out.ideal, 4)
		return int32(len(out.at) - 1)
	}
	middle := map[[2]int32]int32{}
	for _, face := range p.faces {
		center := mesh.Vec3{}
		mids := make([]int32, len(face))
		for i, a := range face {
			b := face[(i+1)%len(face)]
			center = center.Add(p.at[a].Scale(1 / float64(len(face))))
			v, ok := middle[key(a, b)]
			if !ok {
				at, line := p.at[a].Add(p.at[b]).Scale(0.5), p.marks[key(a, b)]
				k := free
				if line != 0 {
					k, at = onLine, l.nearest(line, at)
				}
				v = add(at, k, line)
				middle[key(a, b)] = v
				if line != 0 {
					out.marks[key(a, v)], out.marks[key(v, b)] = line, line
				}
			}
			mids[i] = v
		}
		c := add(center, free, 0)
		for i, a := range face {
			out.faces = append(out.faces, []int32{a, mids[i], c, mids[(i+len(face)-1)%len(face)]})
		}
	}
	return out
}

// mesh returns the patch as a mesh, without vertices that no face uses.
func (p *patch) mesh() *mesh.Mesh {
	out := &mesh.Mesh{Vertices: append([]mesh.Vec3{}, p.at...), Starts: []int32{0}}
	for _, face := range p.faces {
		out.Corners = append(out.Corners, face...)
		out.Starts = append(out.Starts, int32(len(out.Corners)))
	}
	out, _ = mesh.RemoveUnused(out)
	return out
}
