package sequence

import (
	"cmp"
	"slices"
)

// fans covers triangles with fans: the centre, then its ring. Triangle i of a fan is the
// centre and ring vertices i and i+1, in the source's winding.
//
// A fan starts at the first face without one. Its centre is the first corner with most
// remaining faces.
//
// Source: Weng et al., "Scaling Mesh Generation via Compressive Tokenization", 2024,
// arXiv:2411.07025. Ours also ends a fan where the winding changes, so meshes with
// inconsistent winding lose nothing.
func (t *triangles) fans() [][]int32 {
	w := newFanWalk(t)
	var out [][]int32
	for f := 0; f < len(t.faces); {
		if w.visited[f] {
			f++
			continue
		}
		centre := t.faces[f][0]
		for _, v := range t.faces[f][1:] {
			if w.degree[v] > w.degree[centre] {
				centre = v
			}
		}
		out = append(out, w.fan(centre)) // possibly around another part of the centre's faces
	}
	return out
}

type fanWalk struct {
	*triangles
	visited []bool
	degree  []int32   // [v] faces in no fan
	of      [][]int32 // [v] faces
}

func newFanWalk(t *triangles) *fanWalk {
	n := len(t.vertices)
	w := &fanWalk{triangles: t, visited: make([]bool, len(t.faces)), degree: make([]int32, n), of: make([][]int32, n)}
	for f, face := range t.faces {
		for _, v := range face {
			w.degree[v]++
			w.of[v] = append(w.of[v], int32(f))
		}
	}
	return w
}

// rim is the edge of a face opposite the centre: lower and higher vertex.
type rim struct{ u, v, face int32 }

// fan walks around centre and returns it and its ring.
func (w *fanWalk) fan(centre int32) []int32 {
	rims := w.rims(centre)
	at := make(map[int32][]int)
	for i, r := range rims {
		at[r.u] = append(at[r.u], i)
		at[r.v] = append(at[r.v], i)
	}
	ring := []int32{start(rims, at)}
	forward := false
	for {
		now := ring[len(ring)-1]
		next := int32(-1)
		for _, i := range at[now] {
			r := rims[i]
			other := r.u + r.v - now
			ahead := w.follows(r.face, now, other)
			if w.visited[r.face] || len(ring) > 1 && ahead != forward {
				continue
			}
			w.take(r.face)
			next, forward = other, ahead
			break
		}
		if next < 0 {
			break
		}
		ring = append(ring, next)
	}
	if !forward {
		slices.Reverse(ring)
	}
	return append([]int32{centre}, ring...)
}

// rims returns the edges opposite centre that are in no fan, ascending.
func (w *fanWalk) rims(centre int32) []rim {
	var rims []rim
	for _, f := range w.of[centre] {
		if w.visited[f] {
			continue
		}
		c := sorted3(w.faces[f])
		r := rim{c[0], c[1], f}
		switch centre {
		case c[0]:
			r.u, r.v = c[1], c[2]
		case c[1]:
			r.v = c[2]
		}
		rims = append(rims, r)
	}
	slices.SortFunc(rims, func(a, b rim) int {
		return cmp.Or(cmp.Compare(a.u, b.u), cmp.Compare(a.v, b.v), cmp.Compare(a.face, b.face))
	})
	return rims
}

// start returns the lowest end of an open rim, or a vertex of a closed one.
func start(rims []rim, at map[int32][]int) int32 {
	first := int32(-1)
	for v, list := range at {
		if len(list) == 1 && (first < 0 || v < first) {
			first = v
		}
	}
	if first < 0 {
		return rims[0].u
	}
	return first
}

// follows reports whether v follows u in a face.
func (w *fanWalk) follows(face, u, v int32) bool {
	f := w.faces[face]
	return f[0] == u && f[1] == v || f[1] == u && f[2] == v || f[2] == u && f[0] == v
}

func (w *fanWalk) take(face int32) {
	w.visited[face] = true
	for _, v := range w.faces[face] {
		w.degree[v]--
	}
}
