package parametric

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// sheet is a grid of quads, rows by columns. Corners that fall together are joined, so a
// row of one point gives triangles.
type sheet struct {
	rows, cols         int // of points
	wrapRows, wrapCols bool
	at                 func(i, j int) mesh.Vec3
	// Caps are the rows whose points are filled by quads, for columns that wrap: 0, or the
	// last one.
	capFirst, capLast bool
}

// mesh returns the grid. Seen from outside, columns run to the right as rows go up.
func (s sheet) mesh() *mesh.Mesh {
	m := &mesh.Mesh{}
	for i := range s.rows {
		for j := range s.cols {
			m.AddVertex(s.at(i, j))
		}
	}
	at := func(i, j int) int32 { return int32(i%s.rows*s.cols + j%s.cols) }
	rows, cols := s.rows, s.cols
	if !s.wrapRows {
		rows--
	}
	if !s.wrapCols {
		cols--
	}
	for i := range rows {
		for j := range cols {
			face(m, at(i, j), at(i, j+1), at(i+1, j+1), at(i+1, j))
		}
	}
	ring := func(i int, reverse bool) {
		r := make([]int32, s.cols)
		for j := range r {
			if r[j] = at(i, j); reverse {
				r[j] = at(i, s.cols-1-j)
			}
		}
		fill(m, r)
	}
	if s.capFirst {
		ring(0, true)
	}
	if s.capLast {
		ring(s.rows-1, false)
	}
	return joined(m)
}

// fill closes a ring of an even number of points by a row of quads.
func fill(m *mesh.Mesh, ring []int32) {
	for i, n := 0, len(ring); i < n/2-1; i++ {
		face(m, ring[i], ring[i+1], ring[n-2-i], ring[n-1-i])
	}
}

// face adds a face whose corners are vertices of m.
func face(m *mesh.Mesh, corners ...int32) {
	if err := m.AddFace(corners...); err != nil {
		panic(err) // a mistake of ours
	}
}

// joined returns m with vertices joined that fall together, and without what that makes
// of faces that have no area.
func joined(m *mesh.Mesh) *mesh.Mesh {
	m, _ = mesh.Weld(m, 1e-9)
	m, _ = mesh.RemoveDegenerate(m)
	m, _ = mesh.RemoveUnused(m)
	return m
}

// point is a point of a profile: distance from the axis, and height.
type point struct{ r, z float64 }

// lathe turns a profile around the z axis in n columns. The outside is to the right of
// the profile's way.
func lathe(profile []point, n int) sheet {
	return sheet{rows: len(profile), cols: n, wrapCols: true, at: func(i, j int) mesh.Vec3 {
		return polar(profile[i].r, 2*math.Pi*float64(j)/float64(n), profile[i].z)
	}}
}

func polar(r, angle, z float64) mesh.Vec3 {
	sin, cos := math.Sincos(angle)
	return mesh.Vec3{r * cos, r * sin, z}
}

// sweep carries a section along a path. A section lies in the plane across the path. The
// frame turns as little as it can.
func sweep(section []point, path []mesh.Vec3, closed bool) sheet {
	n := len(path)
	tangent := func(i int) mesh.Vec3 {
		a, b := i-1, i+1
		if closed {
			a, b = (a+n)%n, b%n
		}
		return path[min(b, n-1)].Sub(path[max(a, 0)]).Unit()
	}
	up := mesh.Vec3{0, 0, 1}
	if math.Abs(tangent(0)[2]) > 0.9 {
		up = mesh.Vec3{1, 0, 0}
	}
	side := make([]mesh.Vec3, n)
	for i := range side {
		t := tangent(i)
		up = up.Sub(t.Scale(up.Dot(t))).Unit()
		side[i] = up
	}
	return sheet{rows: n, cols: len(section), wrapRows: closed, wrapCols: true, at: func(i, j int) mesh.Vec3 {
		u := side[i]
		v := tangent(i).Cross(u)
		return path[i].Add(u.Scale(section[j].r)).Add(v.Scale(section[j].z))
	}}
}

// circle is a section of n points.
func circle(r float64, n int) (out []point) {
	for j := range n {
		p := polar(r, 2*math.Pi*(float64(j)+0.5)/float64(n), 0)
		out = append(out, point{p[0], p[1]})
	}
	return out
}

// rectangle is a section of four points.
func rectangle(w, h float64) []point {
	return []point{{w / 2, h / 2}, {-w / 2, h / 2}, {-w / 2, -h / 2}, {w / 2, -h / 2}}
}

// lattice is a block of cells between planes, of which some are solid.
type lattice struct {
	planes [3][]float64
	solid  func(x, y, z int) bool
}

// mesh returns the surface of the solid cells.
func (l lattice) mesh() *mesh.Mesh {
	m := &mesh.Mesh{}
	index := map[[3]int]int32{}
	at := func(c [3]int) int32 {
		v, ok := index[c]
		if !ok {
			v = m.AddVertex(mesh.Vec3{l.planes[0][c[0]], l.planes[1][c[1]], l.planes[2][c[2]]})
			index[c] = v
		}
		return v
	}
	is := func(c [3]int) bool {
		for a, x := range c {
			if x < 0 || x >= len(l.planes[a])-1 {
				return false
			}
		}
		return l.solid(c[0], c[1], c[2])
	}
	l.each(func(c [3]int) {
		if !is(c) {
			return
		}
		for a := range 3 {
			for side := range 2 {
				next := c
				next[a] += 2*side - 1
				if is(next) {
					continue
				}
				corner := func(du, dv int) int32 {
					p := c
					p[a], p[(a+1)%3], p[(a+2)%3] = c[a]+side, c[(a+1)%3]+du, c[(a+2)%3]+dv
					return at(p)
				}
				if side == 1 {
					face(m, corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1))
				} else {
					face(m, corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0))
				}
			}
		}
	})
	return m
}

func (l lattice) each(do func(c [3]int)) {
	for x := range len(l.planes[0]) - 1 {
		for y := range len(l.planes[1]) - 1 {
			for z := range len(l.planes[2]) - 1 {
				do([3]int{x, y, z})
			}
		}
	}
}

// joinAll returns the parts as one mesh.
func joinAll(parts ...*mesh.Mesh) *mesh.Mesh {
	out := &mesh.Mesh{}
	for _, p := range parts {
		base := int32(len(out.Vertices))
		out.Vertices = append(out.Vertices, p.Vertices...)
		for f := range p.NumFaces() {
			var corners []int32
			for _, v := range p.Face(f) {
				corners = append(corners, base+v)
			}
			face(out, corners...)
		}
	}
	return out
}

// moved returns m with each vertex mapped.
func moved(m *mesh.Mesh, to func(mesh.Vec3) mesh.Vec3) *mesh.Mesh {
	out := mesh.Clone(m)
	for v, p := range out.Vertices {
		out.Vertices[v] = to(p)
	}
	return out
}

// subdivided is a step of Catmull and Clark's subdivision. A boundary stays on the
// spline of its own points.
//
// Source: Catmull and Clark, "Recursively generated B-spline surfaces on arbitrary
// topological meshes", 1978.
func subdivided(m *mesh.Mesh) *mesh.Mesh {
	edges := mesh.BuildEdges(m)
	out := &mesh.Mesh{}
	centres := make([]mesh.Vec3, m.NumFaces())
	for f := range centres {
		for _, v := range m.Face(f) {
			centres[f] = centres[f].Add(m.Vertices[v])
		}
		centres[f] = centres[f].Scale(1 / float64(len(m.Face(f))))
	}
	mids := make([]mesh.Vec3, edges.Len())
	sums := make([]vertexSum, len(m.Vertices))
	for e := range mids {
		a, b := edges.Ends[e][0], edges.Ends[e][1]
		mid := m.Vertices[a].Add(m.Vertices[b]).Scale(0.5)
		mids[e] = mid
		boundary := edges.IsBoundary(int32(e))
		if !boundary {
			var two mesh.Vec3
			for _, h := range edges.HalfEdges(int32(e)) {
				two = two.Add(centres[edges.FaceOf[h]])
			}
			mids[e] = mid.Add(two.Scale(1 / float64(len(edges.HalfEdges(int32(e)))))).Scale(0.5)
		}
		sums[a].edge(mid, boundary)
		sums[b].edge(mid, boundary)
	}
	for f := range centres {
		for _, v := range m.Face(f) {
			sums[v].faces, sums[v].n = sums[v].faces.Add(centres[f]), sums[v].n+1
		}
	}
	for v, p := range m.Vertices {
		out.AddVertex(sums[v].place(p))
	}
	firstEdge, firstFace := int32(len(m.Vertices)), int32(len(m.Vertices)+len(mids))
	out.Vertices = append(append(out.Vertices, mids...), centres...)
	for f := range centres {
		for h := m.Starts[f]; h < m.Starts[f+1]; h++ {
			face(out, m.Corners[h], firstEdge+edges.Of[h], firstFace+int32(f), firstEdge+edges.Of[edges.Prev(h)])
		}
	}
	return out
}

// vertexSum collects what lies around a vertex.
type vertexSum struct {
	faces, edges, rim mesh.Vec3
	n, sides, rims    int
}

func (s *vertexSum) edge(mid mesh.Vec3, boundary bool) {
	s.edges, s.sides = s.edges.Add(mid), s.sides+1
	if boundary {
		s.rim, s.rims = s.rim.Add(mid), s.rims+1
	}
}

func (s *vertexSum) place(p mesh.Vec3) mesh.Vec3 {
	if s.rims > 0 {
		return p.Scale(0.5).Add(s.rim.Scale(0.5 / float64(s.rims)))
	}
	n := float64(s.n)
	return s.faces.Scale(1 / n).Add(s.edges.Scale(2 / float64(s.sides))).Add(p.Scale(n - 3)).Scale(1 / n)
}
