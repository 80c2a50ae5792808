package gltf

import "github.com/morton-gen/morton/mesh"

// fans cuts the faces of m into triangles by the rules of FB_ngon_encoding: a
// face is a run of triangles that all start with one of its corners, and two
// faces in sequence never start with the same vertex of m. It returns indices
// into m.Corners, three a triangle.
//
// A face starts with the first corner from which no triangle of the fan is
// inverted: a concave quad is cut along its inner diagonal. A face of five or
// more corners without such a corner is written as triangles, as the extension
// requires, and is read as several faces. A corner equal to the one before is
// left out, and so is a face with fewer than three distinct corners.
func fans(m *mesh.Mesh) []int32 {
	w := fanWriter{m: m, last: -1, out: make([]int32, 0, 3*(len(m.Corners)-2*m.NumFaces()))}
	for f := range m.NumFaces() {
		if ring := distinct(m, f); len(ring) >= 3 {
			w.add(ring)
		}
	}
	return w.out
}

// distinct returns the corners of face f, as indices into m.Corners, without
// those equal to the corner before.
func distinct(m *mesh.Mesh, f int) []int32 {
	first, end := m.Starts[f], m.Starts[f+1]
	ring := make([]int32, 0, end-first)
	for c, before := first, end-1; c < end; c, before = c+1, c {
		if m.Corners[c] != m.Corners[before] {
			ring = append(ring, c)
		}
	}
	return ring
}

type fanWriter struct {
	m    *mesh.Mesh
	last int32 // first vertex of the last face
	out  []int32
}

// add writes the face whose corners are ring.
func (w *fanWriter) add(ring []int32) {
	at, fits := w.anchor(ring)
	switch {
	case at < 0:
	case fits || len(ring) <= 4:
		w.fan(ring, at)
	default:
		for _, ear := range clip(w.m, ring) {
			at, _ := w.anchor(ear[:])
			if at >= 0 {
				w.fan(ear[:], at)
			}
		}
	}
}

func (w *fanWriter) fan(ring []int32, at int) {
	k := len(ring)
	for i := 1; i+1 < k; i++ {
		w.out = append(w.out, ring[at], ring[(at+i)%k], ring[(at+i+1)%k])
	}
	w.last = w.m.Corners[ring[at]]
}

// anchor returns the corner of ring to start with, and whether its fan lies
// inside the face. It returns -1 if no corner is allowed.
func (w *fanWriter) anchor(ring []int32) (at int, fits bool) {
	allowed := -1
	normal := newell(w.m, ring)
	for i, c := range ring {
		if w.m.Corners[c] == w.last {
			continue
		}
		if len(ring) == 3 || fanFits(w.m, ring, i, normal) {
			return i, true
		}
		if allowed < 0 {
			allowed = i
		}
	}
	return allowed, false
}

// fold is the tolerance for inverted triangles of a fan, relative to the face's
// area: rounding inverts triangles at collinear corners by that much.
const fold = 1e-6

// fanFits reports whether no triangle of the fan from corner at is inverted
// against normal, an area vector.
func fanFits(m *mesh.Mesh, ring []int32, at int, normal mesh.Vec3) bool {
	k, area := len(ring), normal.Dot(normal)
	p := m.Vertices[m.Corners[ring[at]]]
	for i := 1; i+1 < k; i++ {
		q := m.Vertices[m.Corners[ring[(at+i)%k]]].Sub(p)
		r := m.Vertices[m.Corners[ring[(at+i+1)%k]]].Sub(p)
		if q.Cross(r).Dot(normal) < -fold*area {
			return false
		}
	}
	return true
}

// newell returns twice the area vector of a polygon, planar or not.
//
// Source: I. Sutherland, R. Sproull, R. Schumacker, "A Characterization of Ten
// Hidden-Surface Algorithms", 1974, which credits M. Newell.
func newell(m *mesh.Mesh, ring []int32) mesh.Vec3 {
	var sum mesh.Vec3
	p := m.Vertices[m.Corners[ring[0]]]
	for i := 1; i+1 < len(ring); i++ {
		q, r := m.Vertices[m.Corners[ring[i]]].Sub(p), m.Vertices[m.Corners[ring[i+1]]].Sub(p)
		sum = sum.Add(q.Cross(r))
	}
	return sum
}
