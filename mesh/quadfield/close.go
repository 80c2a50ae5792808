package quadfield

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// closed is a triangle mesh that becomes closed in three steps: triangle sides are
// paired across edges, surfaces with unpaired sides get a back and a rim, and every
// fan of triangles gets a vertex.
type closed struct {
	cut    *mesh.Mesh
	source []int32 // [h] the vertex of cut that h leaves
	twin   []int32 // [h] -1 if unpaired
	side   []int8  // [h] 1 front, -1 back of an open surface, 0 closed or rim
	open   int     // surfaces that got a back
}

// newTriangles triangulates an oriented mesh and closes it. Two sides of an edge are
// paired if they run in opposite directions; where more than two meet, those that
// enclose a wedge of the inside. A surface with unpaired sides becomes a plate of
// the given thickness. It returns the number of those surfaces.
func newTriangles(source *mesh.Mesh, thickness float64) (*triangles, int) {
	cut, _ := mesh.Triangulate(source)
	c := &closed{cut: cut, source: slices.Clone(cut.Corners), twin: make([]int32, len(cut.Corners)), side: make([]int8, len(cut.Corners))}
	for h := range c.twin {
		c.twin[h] = -1
	}
	edges := mesh.BuildEdges(cut)
	for e := range int32(edges.Len()) {
		c.pair(edges.HalfEdges(e))
	}
	c.plates()
	return c.triangles(thickness), c.open
}

// once returns m without faces that have the corners of an earlier one in either
// direction. Two-sided sheets become one-sided.
func once(m *mesh.Mesh) *mesh.Mesh {
	out, seen := &mesh.Mesh{Vertices: m.Vertices, Starts: []int32{0}}, map[string]bool{}
	for f := range m.NumFaces() {
		sorted := slices.Sorted(slices.Values(m.Face(f)))
		if k := fmt.Sprint(sorted); !seen[k] {
			seen[k] = true
			out.Corners = append(out.Corners, m.Face(f)...)
			out.Starts = append(out.Starts, int32(len(out.Corners)))
		}
	}
	return out
}

// pair pairs the sides of one edge.
func (c *closed) pair(sides []int32) {
	if len(sides) == 2 && c.source[sides[0]] != c.source[sides[1]] {
		c.twin[sides[0]], c.twin[sides[1]] = sides[1], sides[0]
		return
	}
	type end struct {
		h       int32
		forward bool
		angle   float64 // around the edge, seen along it, from the first face
	}
	a := min(c.source[sides[0]], c.source[next(sides[0])])
	var axis, x, y mesh.Vec3
	all := make([]end, 0, len(sides))
	for _, h := range sides {
		p, q, r := c.cut.Vertices[c.source[h]], c.cut.Vertices[c.source[next(h)]], c.cut.Vertices[c.source[prev(h)]]
		forward := c.source[h] == a
		if axis == (mesh.Vec3{}) {
			if axis = q.Sub(p).Unit(); !forward {
				axis = axis.Scale(-1)
			}
			x = r.Sub(p)
			x = x.Sub(axis.Scale(axis.Dot(x))).Unit()
			y = axis.Cross(x)
		}
		d := r.Sub(p)
		all = append(all, end{h, forward, math.Atan2(d.Dot(y), d.Dot(x))})
	}
	// The inside of a face that runs along the axis lies clockwise of it. With
	// falling angles, each such face is followed by the one that closes its wedge.
	slices.SortStableFunc(all, func(p, q end) int { return cmp.Compare(q.angle, p.angle) })
	for range all {
		for i := range all {
			j := (i + 1) % len(all)
			if p, q := all[i], all[j]; i != j && p.forward && !q.forward {
				c.twin[p.h], c.twin[q.h] = q.h, p.h
				all = slices.DeleteFunc(all, func(e end) bool { return e.h == p.h || e.h == q.h })
				break
			}
		}
	}
}

// plates gives surfaces with open sides a back and a rim.
func (c *closed) plates() {
	front := int32(len(c.twin))
	mirror := c.backs(front)
	rim := make([]int32, front) // [h] the first of six sides
	for h := range front {
		if c.twin[h] >= 0 {
			continue
		}
		rim[h] = int32(len(c.twin))
		a, b := c.source[h], c.source[next(h)]
		c.source = append(c.source, b, a, a, b, a, b)
		c.twin = append(c.twin, -1, -1, -1, -1, -1, -1)
		c.side = append(c.side, 0, 0, 0, 0, 0, 0)
	}
	link := func(g, h int32) { c.twin[g], c.twin[h] = h, g }
	open := make([]int32, 0)
	for h := range front {
		if c.twin[h] < 0 {
			open = append(open, h)
		}
	}
	before := make([]int32, len(open))
	for i, h := range open { // while open sides have no twin
		g := prev(h)
		for c.twin[g] >= 0 {
			g = prev(c.twin[g])
		}
		before[i] = g
	}
	for i, h := range open {
		r := rim[h]
		link(r+2, r+3)
		link(r+1, rim[before[i]]+5)
	}
	for _, h := range open {
		link(rim[h], h)
		link(rim[h]+4, mirror[h])
	}
}

// backs adds a back for each open surface and returns the mirrored side of each
// side.
func (c *closed) backs(front int32) (mirror []int32) {
	mirror = make([]int32, front)
	seen := make([]bool, front/3)
	for f := range front / 3 {
		if seen[f] {
			continue
		}
		surface, isOpen := []int32{f}, false
		seen[f] = true
		for i := 0; i < len(surface); i++ {
			for h := 3 * surface[i]; h < 3*surface[i]+3; h++ {
				t := c.twin[h]
				if isOpen = isOpen || t < 0; t >= 0 && !seen[t/3] {
					seen[t/3] = true
					surface = append(surface, t/3)
				}
			}
		}
		if isOpen {
			c.open++
			c.back(surface, mirror)
		}
	}
	for h, g := range mirror {
		if t := c.twin[h]; g > 0 && t >= 0 {
			c.twin[g] = mirror[t]
		}
	}
	return mirror
}

func (c *closed) back(surface, mirror []int32) {
	for _, f := range surface {
		h, g := 3*f, int32(len(c.twin))
		a, b, d := c.source[h], c.source[h+1], c.source[h+2]
		c.source = append(c.source, b, a, d)
		c.twin = append(c.twin, -1, -1, -1)
		c.side = append(c.side, -1, -1, -1)
		c.side[h], c.side[h+1], c.side[h+2] = 1, 1, 1
		mirror[h], mirror[h+2], mirror[h+1] = g, g+1, g+2
	}
}

// triangles gives each fan a vertex: half the thickness off the surface, if that was
// open.
func (c *closed) triangles(thickness float64) *triangles {
	m := &triangles{from: make([]int32, len(c.twin)), twin: c.twin, line: make([]int32, len(c.twin))}
	for h := range m.from {
		m.from[h] = -1
	}
	for h := range int32(len(m.from)) {
		if m.from[h] >= 0 {
			continue
		}
		v, n := int32(len(m.at)), mesh.Vec3{}
		for g := h; m.from[g] < 0; g = m.spin(g) {
			m.from[g] = v
			if c.side[g] != 0 {
				a, p, q := c.cut.Vertices[c.source[g]], c.cut.Vertices[c.source[next(g)]], c.cut.Vertices[c.source[prev(g)]]
				n = n.Add(p.Sub(a).Cross(q.Sub(a)))
			}
		}
		at := c.cut.Vertices[c.source[h]].Add(n.Unit().Scale(thickness / 2))
		m.at, m.out, m.kind = append(m.at, at), append(m.out, h), append(m.kind, free)
	}
	return m
}
