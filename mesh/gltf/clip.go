package gltf

import (
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// maxClip is the size of the largest face that is clipped: the time grows with
// the cube of its corners. Larger ones stay fans.
const maxClip = 256

// clip cuts a face into triangles by clipping ears: corners that turn the
// face's way and whose triangle holds no other corner. If none is left, as in
// faces that cross themselves, the corner that turns best goes next.
//
// Source: G. Meisters, "Polygons Have Ears", 1975.
func clip(m *mesh.Mesh, ring []int32) [][3]int32 {
	normal := newell(m, ring)
	ring = slices.Clone(ring)
	var out [][3]int32
	for len(ring) > 3 {
		at := ear(m, ring, normal)
		k := len(ring)
		out = append(out, [3]int32{ring[(at+k-1)%k], ring[at], ring[(at+1)%k]})
		ring = slices.Delete(ring, at, at+1)
	}
	return append(out, [3]int32(ring))
}

// ear returns the corner of ring to clip next.
func ear(m *mesh.Mesh, ring []int32, normal mesh.Vec3) int {
	best, most := 0, 0.0
	for i := range ring {
		t := earAt(m, ring, i)
		turn := t.turn(normal)
		if turn > 0 && t.empty(m, ring, normal) {
			return i
		}
		if i == 0 || turn > most {
			best, most = i, turn
		}
	}
	return best
}

type triangle [3]mesh.Vec3

func earAt(m *mesh.Mesh, ring []int32, i int) triangle {
	k := len(ring)
	at := func(i int) mesh.Vec3 { return m.Vertices[m.Corners[ring[(i+k)%k]]] }
	return triangle{at(i - 1), at(i), at(i + 1)}
}

func (t triangle) turn(normal mesh.Vec3) float64 {
	return t[1].Sub(t[0]).Cross(t[2].Sub(t[0])).Dot(normal)
}

// empty reports whether no corner of ring lies in t, seen along normal, other
// than t's own.
func (t triangle) empty(m *mesh.Mesh, ring []int32, normal mesh.Vec3) bool {
	for _, c := range ring {
		p := m.Vertices[m.Corners[c]]
		if p == t[0] || p == t[1] || p == t[2] {
			continue
		}
		if (triangle{t[0], t[1], p}).turn(normal) >= 0 &&
			(triangle{t[1], t[2], p}).turn(normal) >= 0 &&
			(triangle{t[2], t[0], p}).turn(normal) >= 0 {
			return false
		}
	}
	return true
}
