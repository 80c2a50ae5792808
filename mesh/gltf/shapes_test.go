package gltf

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// shape is a mesh made for tests, with what must survive a round trip.
type shape struct {
	name string
	mesh *mesh.Mesh
	cut  int // faces that come back in parts
}

func polygonMesh(points []mesh.Vec3, faces ...[]int32) *mesh.Mesh {
	m := &mesh.Mesh{Vertices: points}
	for _, f := range faces {
		if err := m.AddFace(f...); err != nil {
			panic(err)
		}
	}
	return m
}

func shapes() []shape {
	return []shape{
		{"cube", cube(mesh.Vec3{}), 0},
		{"grid", grid(7, 5), 0},
		{"large grid", grid(300, 250), 0}, // more vertices than two bytes index
		{"torus", torus(24, 12), 0},
		{"prism", prism(9), 0},
		{"two cubes", join(cube(mesh.Vec3{}), cube(mesh.Vec3{3, 0, 0})), 0},
		{"wheel", wheel(100), 0},
		{"concave quad", flat([]mesh.Vec3{{0, 0}, {2, 2}, {4, 0}, {2, 6}}), 0},
		{"bow tie", flat([]mesh.Vec3{{0, 0}, {1, 1}, {1, 0}, {0, 1}}), 0},
		{"L", flat([]mesh.Vec3{{0, 0}, {3, 0}, {3, 1}, {1, 1}, {1, 3}, {0, 3}}), 0},
		{"T-joints", flat([]mesh.Vec3{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {3, 3}, {0, 3}}), 0},
		{"U", flat([]mesh.Vec3{{0, 0}, {3, 0}, {3, 3}, {2, 3}, {2, 1}, {1, 1}, {1, 3}, {0, 3}}), 1},
		{"comb", comb(40), 1},
		{"flat quad without area", flat([]mesh.Vec3{{0, 0}, {1, 0}, {2, 0}, {3, 0}}), 0},
		{"one triangle", flat([]mesh.Vec3{{0, 0}, {1, 0}, {0, 1}}), 0},
	}
}

func flat(ring []mesh.Vec3) *mesh.Mesh {
	face := make([]int32, len(ring))
	for i := range face {
		face[i] = int32(i)
	}
	return polygonMesh(ring, face)
}

func cube(at mesh.Vec3) *mesh.Mesh {
	var points []mesh.Vec3
	for i := range 8 {
		points = append(points, at.Add(mesh.Vec3{float64(i & 1), float64(i >> 1 & 1), float64(i >> 2)}))
	}
	return polygonMesh(points, []int32{0, 2, 3, 1}, []int32{4, 5, 7, 6}, []int32{0, 1, 5, 4}, []int32{2, 6, 7, 3}, []int32{0, 4, 6, 2}, []int32{1, 3, 7, 5})
}

func grid(w, h int) *mesh.Mesh {
	m := new(mesh.Mesh)
	for y := range h {
		for x := range w {
			m.AddVertex(mesh.Vec3{float64(x), float64(y), math.Sin(float64(x)) / 3})
		}
	}
	for y := range h - 1 {
		for x := range w - 1 {
			i := int32(y*w + x)
			if err := m.AddFace(i, i+1, i+int32(w)+1, i+int32(w)); err != nil {
				panic(err)
			}
		}
	}
	return m
}

func torus(n, k int) *mesh.Mesh {
	m := new(mesh.Mesh)
	for i := range n {
		for j := range k {
			a, b := 2*math.Pi*float64(i)/float64(n), 2*math.Pi*float64(j)/float64(k)
			r := 2 + 0.5*math.Cos(b)
			m.AddVertex(mesh.Vec3{r * math.Cos(a), r * math.Sin(a), 0.5 * math.Sin(b)})
		}
	}
	at := func(i, j int) int32 { return int32(i%n*k + j%k) }
	for i := range n {
		for j := range k {
			if err := m.AddFace(at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1)); err != nil {
				panic(err)
			}
		}
	}
	return m
}

// prism has two k-gons and k quads.
func prism(k int) *mesh.Mesh {
	m := new(mesh.Mesh)
	var low, high []int32
	for i := range k {
		a := 2 * math.Pi * float64(i) / float64(k)
		low = append([]int32{m.AddVertex(mesh.Vec3{math.Cos(a), math.Sin(a), 0})}, low...)
		high = append(high, m.AddVertex(mesh.Vec3{math.Cos(a), math.Sin(a), 1}))
	}
	faces := [][]int32{low, high}
	for i := range k {
		j := (i + 1) % k
		faces = append(faces, []int32{int32(2 * i), int32(2 * j), int32(2*j + 1), int32(2*i + 1)})
	}
	return polygonMesh(m.Vertices, faces...)
}

// wheel is triangles that all start with one vertex, which the encoding must
// keep apart.
func wheel(k int) *mesh.Mesh {
	m := new(mesh.Mesh)
	m.AddVertex(mesh.Vec3{0, 0, 1})
	for i := range k {
		a := 2 * math.Pi * float64(i) / float64(k)
		m.AddVertex(mesh.Vec3{math.Cos(a), math.Sin(a), 0})
	}
	for i := range k {
		if err := m.AddFace(0, int32(1+i), int32(1+(i+1)%k)); err != nil {
			panic(err)
		}
	}
	return m
}

// comb is one face with so many teeth that no corner sees it whole.
func comb(teeth int) *mesh.Mesh {
	ring := []mesh.Vec3{{0, -1}, {float64(2 * teeth), -1}}
	for i := teeth - 1; i >= 0; i-- {
		x := float64(2 * i)
		ring = append(ring, mesh.Vec3{x + 2, 5}, mesh.Vec3{x + 1, 5}, mesh.Vec3{x + 1, 0}, mesh.Vec3{x, 0})
	}
	return flat(ring)
}

func join(parts ...*mesh.Mesh) *mesh.Mesh {
	out := new(mesh.Mesh)
	for _, m := range parts {
		base := int32(len(out.Vertices))
		out.Vertices = append(out.Vertices, m.Vertices...)
		for f := range m.NumFaces() {
			var face []int32
			for _, c := range m.Face(f) {
				face = append(face, base+c)
			}
			if err := out.AddFace(face...); err != nil {
				panic(err)
			}
		}
	}
	return out
}
