package gltf

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Normals selects the shading of a written surface.
type Normals int

const (
	// Creased smooths edges of up to 40 degrees and keeps sharper ones.
	Creased Normals = iota
	// Smooth smooths every edge; each vertex is written once.
	Smooth
	// Flat keeps every edge; only coplanar faces share vertices.
	Flat
)

// creaseDegrees separates curvature from edges. On the shapes written here it
// hardly matters: a sphere of 12 segments bends by 30, a box by 90.
const creaseDegrees = 40

// manyFaces is the number of faces at a vertex from which all edges are
// smoothed, since comparing all pairs takes quadratic time.
const manyFaces = 64

// cosine returns the least cosine between the normals of two faces that are
// smoothed together.
func (n Normals) cosine() float64 {
	switch n {
	case Smooth:
		return math.Inf(-1)
	case Flat:
		return 1 - 1e-9
	default:
		return math.Cos(creaseDegrees * math.Pi / 180)
	}
}

// shaded is a mesh with one normal per vertex. A vertex of the source is
// repeated for each different normal of its corners, in the source's order.
type shaded struct {
	positions [][3]float32
	normals   [][3]float32
	vertex    []uint32 // [corners] vertex of each corner of the mesh
}

// shade computes each corner's normal: the sum of the area vectors of the faces
// around its vertex within the crease angle of its own face.
func shade(m *mesh.Mesh, n Normals) shaded {
	areas, units, faceOf := faceNormals(m)
	s := shaded{vertex: make([]uint32, len(m.Corners))}
	starts, around := cornersAround(m)
	for v := range m.Vertices {
		corners := around[starts[v]:starts[v+1]]
		cosine := n.cosine()
		if len(corners) > manyFaces {
			cosine = math.Inf(-1)
		}
		s.addVertex(m.Vertices[v], corners, func(c int32) mesh.Vec3 {
			return cornerNormal(areas, units, faceOf, corners, c, cosine)
		}, math.IsInf(cosine, -1))
	}
	return s
}

// addVertex appends p once for each different normal of its corners.
func (s *shaded) addVertex(p mesh.Vec3, corners []int32, normal func(c int32) mesh.Vec3, same bool) {
	first := len(s.positions)
	for i, c := range corners {
		if i > 0 && same {
			s.vertex[c] = uint32(first)
			continue
		}
		s.vertex[c] = s.vertexWith(first, narrow(p), narrow(normal(c)))
	}
}

func (s *shaded) vertexWith(first int, p, n [3]float32) uint32 {
	for i := first; i < len(s.normals); i++ {
		if s.normals[i] == n {
			return uint32(i)
		}
	}
	s.positions = append(s.positions, p)
	s.normals = append(s.normals, n)
	return uint32(len(s.normals) - 1)
}

// cornerNormal returns a unit vector for any faces. If they have no area or
// cancel, it is the direction of the sum of all around the vertex, and if that
// is zero, Z.
func cornerNormal(areas, units []mesh.Vec3, faceOf, corners []int32, c int32, cosine float64) mesh.Vec3 {
	var near, all mesh.Vec3
	own := units[faceOf[c]]
	for _, o := range corners {
		f := faceOf[o]
		all = all.Add(areas[f])
		if units[f].Dot(own) >= cosine {
			near = near.Add(areas[f])
		}
	}
	for _, sum := range []mesh.Vec3{near, own, all} {
		if u := sum.Unit(); u != (mesh.Vec3{}) {
			return u
		}
	}
	return mesh.Vec3{0, 0, 1}
}

// faceNormals returns each face's area vector and direction, and the face of
// each corner.
func faceNormals(m *mesh.Mesh) (areas, units []mesh.Vec3, faceOf []int32) {
	f := m.NumFaces()
	areas, units, faceOf = make([]mesh.Vec3, f), make([]mesh.Vec3, f), make([]int32, len(m.Corners))
	var ring []int32
	for f := range areas {
		ring = ring[:0]
		for c := m.Starts[f]; c < m.Starts[f+1]; c++ {
			ring = append(ring, c)
			faceOf[c] = int32(f)
		}
		areas[f] = newell(m, ring)
		units[f] = areas[f].Unit()
	}
	return areas, units, faceOf
}

// cornersAround lists the corners at each vertex v, in order:
// around[starts[v]:starts[v+1]].
func cornersAround(m *mesh.Mesh) (starts, around []int32) {
	starts = make([]int32, len(m.Vertices)+1)
	for _, v := range m.Corners {
		starts[v+1]++
	}
	for v := range m.Vertices {
		starts[v+1] += starts[v]
	}
	next := append([]int32(nil), starts...)
	around = make([]int32, len(m.Corners))
	for c, v := range m.Corners {
		around[next[v]] = int32(c)
		next[v]++
	}
	return starts, around
}
