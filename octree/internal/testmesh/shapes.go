// Package testmesh makes the meshes that the tests and benchmarks of octree and
// octree/surface run on. Nothing else imports it.
package testmesh

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Sphere returns a closed sphere about center in quads between triangle caps:
// 2·rings segments around, rings from pole to pole, 4·rings·(rings-1) triangles.
func Sphere(center mesh.Vec3, radius float64, rings int) *mesh.Mesh {
	m, segments := &mesh.Mesh{}, 2*rings
	top := m.AddVertex(center.Add(mesh.Vec3{0, 0, radius}))
	bottom := m.AddVertex(center.Add(mesh.Vec3{0, 0, -radius}))
	at := func(ring, segment int) int32 { return int32(2 + (ring-1)*segments + segment%segments) }
	for r := 1; r < rings; r++ {
		sin, cos := math.Sincos(math.Pi * float64(r) / float64(rings))
		for s := range segments {
			y, x := math.Sincos(2 * math.Pi * float64(s) / float64(segments))
			m.AddVertex(center.Add(mesh.Vec3{sin * x, sin * y, cos}.Scale(radius)))
		}
	}
	for s := range segments {
		must(m.AddFace(top, at(1, s), at(1, s+1)))
		for r := 1; r < rings-1; r++ {
			must(m.AddFace(at(r, s), at(r+1, s), at(r+1, s+1), at(r, s+1)))
		}
		must(m.AddFace(at(rings-1, s), bottom, at(rings-1, s+1)))
	}
	return m
}

// Torus returns a closed torus of quads about the z axis: major is the radius of
// the ring's centre line, minor that of its tube.
func Torus(major, minor float64, segments int) *mesh.Mesh {
	m := &mesh.Mesh{}
	for i := range segments {
		sy, sx := math.Sincos(2 * math.Pi * float64(i) / float64(segments))
		for j := range segments {
			z, r := math.Sincos(2 * math.Pi * float64(j) / float64(segments))
			r = major + minor*r
			m.AddVertex(mesh.Vec3{r * sx, r * sy, minor * z})
		}
	}
	at := func(i, j int) int32 { return int32(i%segments*segments + j%segments) }
	for i := range segments {
		for j := range segments {
			must(m.AddFace(at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1)))
		}
	}
	return m
}

// Box returns a closed box of six quads.
func Box(lo, hi mesh.Vec3) *mesh.Mesh {
	m := &mesh.Mesh{}
	for c := range 8 {
		p := lo
		for a := range 3 {
			if c>>(2-a)&1 == 1 {
				p[a] = hi[a]
			}
		}
		m.AddVertex(p)
	}
	for _, f := range [6][4]int32{{0, 1, 3, 2}, {4, 6, 7, 5}, {0, 4, 5, 1}, {2, 3, 7, 6}, {0, 2, 6, 4}, {1, 5, 7, 3}} {
		must(m.AddFace(f[:]...))
	}
	return m
}

// Sheet returns an open square of side 2·half in the plane z = 0, cut into
// n·n quads that face +z.
func Sheet(half float64, n int) *mesh.Mesh {
	m := &mesh.Mesh{}
	for i := range n + 1 {
		for j := range n + 1 {
			m.AddVertex(mesh.Vec3{half * (2*float64(i)/float64(n) - 1), half * (2*float64(j)/float64(n) - 1), 0})
		}
	}
	at := func(i, j int) int32 { return int32(i*(n+1) + j) }
	for i := range n {
		for j := range n {
			must(m.AddFace(at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1)))
		}
	}
	return m
}

// Rotated returns m turned about the origin by the three angles, in radians,
// about x, y and z in this order.
func Rotated(m *mesh.Mesh, angles mesh.Vec3) *mesh.Mesh {
	return Moved(m, func(p mesh.Vec3) mesh.Vec3 { return Turn(p, angles) })
}

// Turn is [Rotated] for one point.
func Turn(p, angles mesh.Vec3) mesh.Vec3 {
	for a := range 3 {
		sin, cos := math.Sincos(angles[a])
		u, v := (a+1)%3, (a+2)%3
		p[u], p[v] = cos*p[u]-sin*p[v], sin*p[u]+cos*p[v]
	}
	return p
}

// Moved returns m with every vertex mapped by move.
func Moved(m *mesh.Mesh, move func(mesh.Vec3) mesh.Vec3) *mesh.Mesh {
	out := &mesh.Mesh{Corners: m.Corners, Starts: m.Starts}
	for _, p := range m.Vertices {
		out.Vertices = append(out.Vertices, move(p))
	}
	return out
}

// Joined returns the faces of all parts in one mesh; no vertex is shared.
func Joined(parts ...*mesh.Mesh) *mesh.Mesh {
	out := &mesh.Mesh{}
	for _, m := range parts {
		base := int32(len(out.Vertices))
		out.Vertices = append(out.Vertices, m.Vertices...)
		for f := range m.NumFaces() {
			var face []int32
			for _, c := range m.Face(f) {
				face = append(face, base+c)
			}
			must(out.AddFace(face...))
		}
	}
	return out
}

// Flipped returns m with every face turned over.
func Flipped(m *mesh.Mesh) *mesh.Mesh {
	out := &mesh.Mesh{Vertices: m.Vertices}
	for f := range m.NumFaces() {
		var face []int32
		for _, c := range m.Face(f) {
			face = append([]int32{c}, face...)
		}
		must(out.AddFace(face...))
	}
	return out
}

// must panics on an error that only a mistake in this package can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
