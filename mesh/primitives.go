package mesh

import "math"

// Cube returns the surface of the box [-1,1]³ as six quads, normals outward.
func Cube() *Mesh { return Box(Vec3{-1, -1, -1}, Vec3{1, 1, 1}) }

// Box returns the surface of the box from lo to hi as six quads, normals
// outward. In vertex 4x+2y+z a bit is 1 on the high side of its axis.
func Box(lo, hi Vec3) *Mesh {
	m := &Mesh{}
	ends := [2]Vec3{lo, hi}
	for i := range 8 {
		m.AddVertex(Vec3{ends[i>>2][0], ends[i>>1&1][1], ends[i&1][2]})
	}
	for _, face := range [][]int32{
		{0, 1, 3, 2}, {4, 6, 7, 5}, // -x, +x
		{0, 4, 5, 1}, {2, 3, 7, 6}, // -y, +y
		{0, 2, 6, 4}, {1, 5, 7, 3}, // -z, +z
	} {
		m.appendFace(face)
	}
	return m
}

// Grid returns the square [-1,1]² at z = 0 as n × n quads, normals up. Vertex
// (n+1)·row + column lies at x by column and y by row. n must be positive.
func Grid(n int) *Mesh {
	m := &Mesh{}
	for row := range n + 1 {
		for column := range n + 1 {
			m.AddVertex(Vec3{lattice(column, n), lattice(row, n), 0})
		}
	}
	stride := int32(n + 1)
	for row := range int32(n) {
		for column := range int32(n) {
			a := row*stride + column
			m.appendFace([]int32{a, a + 1, a + stride + 1, a + stride})
		}
	}
	return m
}

// lattice returns the i-th of n+1 evenly spaced numbers from -1 to 1.
func lattice(i, n int) float64 { return float64(2*i-n) / float64(n) }

// UVSphere returns a unit sphere of segments × rings faces: quads, and a ring
// of triangles around each of the two poles on the z axis. It needs at least
// 3 segments and 2 rings.
func UVSphere(segments, rings int) *Mesh {
	m := &Mesh{}
	south := m.AddVertex(Vec3{0, 0, -1})
	for ring := 1; ring < rings; ring++ {
		sin, cos := math.Sincos(math.Pi * float64(ring) / float64(rings))
		for segment := range segments {
			y, x := math.Sincos(2 * math.Pi * float64(segment) / float64(segments))
			m.AddVertex(Vec3{sin * x, sin * y, -cos})
		}
	}
	north := m.AddVertex(Vec3{0, 0, 1})
	at := func(ring, segment int) int32 { return int32(1 + (ring-1)*segments + segment%segments) }
	for s := range segments {
		m.appendFace([]int32{south, at(1, s+1), at(1, s)})
		for r := 1; r+1 < rings; r++ {
			m.appendFace([]int32{at(r, s), at(r, s+1), at(r+1, s+1), at(r+1, s)})
		}
		m.appendFace([]int32{at(rings-1, s), at(rings-1, s+1), north})
	}
	return m
}

// CubeGrid returns the surface of [-1,1]³ with n × n quads on every side,
// closed, normals outward. n must be positive.
func CubeGrid(n int) *Mesh {
	m := &Mesh{}
	index := make(map[[3]int]int32)
	at := func(lattice3 [3]int) int32 {
		v, ok := index[lattice3]
		if !ok {
			v = m.AddVertex(Vec3{lattice(lattice3[0], n), lattice(lattice3[1], n), lattice(lattice3[2], n)})
			index[lattice3] = v
		}
		return v
	}
	for axis := range 3 {
		for i := range n {
			for j := range n {
				corner := func(side, di, dj int) int32 {
					var p [3]int
					p[axis], p[(axis+1)%3], p[(axis+2)%3] = side, i+di, j+dj
					return at(p)
				}
				m.appendFace([]int32{corner(n, 0, 0), corner(n, 1, 0), corner(n, 1, 1), corner(n, 0, 1)})
				m.appendFace([]int32{corner(0, 0, 0), corner(0, 0, 1), corner(0, 1, 1), corner(0, 1, 0)})
			}
		}
	}
	return m
}

// QuadSphere returns [CubeGrid] of n projected onto the unit sphere: 6·n²
// quads, with eight vertices of valence 3. Grid coordinates are mapped by
// tan(x·π/4) first, which makes faces more even.
func QuadSphere(n int) *Mesh {
	m := CubeGrid(n)
	for i, p := range m.Vertices {
		for axis, x := range p {
			p[axis] = math.Tan(x * math.Pi / 4)
		}
		m.Vertices[i] = p.Unit()
	}
	return m
}

// Torus returns a torus around the z axis of major × minor quads; all vertices
// have valence 4. big is the radius of the ring and small that of the tube. It
// needs at least 3 quads each way.
func Torus(major, minor int, big, small float64) *Mesh {
	m := &Mesh{}
	for i := range major {
		y, x := math.Sincos(2 * math.Pi * float64(i) / float64(major))
		for j := range minor {
			z, r := math.Sincos(2 * math.Pi * float64(j) / float64(minor))
			out := big + float64(small*r)
			m.AddVertex(Vec3{out * x, out * y, small * z})
		}
	}
	at := func(i, j int) int32 { return int32(i%major*minor + j%minor) }
	for i := range major {
		for j := range minor {
			m.appendFace([]int32{at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1)})
		}
	}
	return m
}
