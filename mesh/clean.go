package mesh

import "slices"

// Clean welds vertices within tolerance (see [Weld]), then removes degenerate
// faces and unused vertices. Duplicate faces stay.
func Clean(m *Mesh, tolerance float64) *Mesh {
	out, _ := Weld(m, tolerance)
	out, _ = RemoveDegenerate(out)
	out, _ = RemoveUnused(out)
	return out
}

// RemoveDegenerate returns m without corners that enclose nothing, and the
// number of faces removed because fewer than three corners were left.
//
// A corner is dropped if it repeats its successor (a, a) or is the tip of a
// spike (a, b, a). A quad that loses one corner becomes a triangle. The test
// compares vertex indices only: [Weld] first. Faces with distinct collinear
// corners are kept, since removing them would open a crack.
func RemoveDegenerate(m *Mesh) (*Mesh, int) {
	out := &Mesh{Vertices: slices.Clone(m.Vertices)}
	removed := 0
	face := make([]int32, 0, 8)
	for f := range m.NumFaces() {
		face = trimFace(append(face[:0], m.Face(f)...))
		if len(face) < 3 {
			removed++
			continue
		}
		out.appendFace(face)
	}
	return out, removed
}

// trimFace drops repeated corners and spikes from face, in place, until none is
// left. Accepted corners form a stack, and each new corner may remove the one
// before it. The two ends are compared last.
func trimFace(face []int32) []int32 {
	kept := face[:0]
	for _, v := range face {
		switch n := len(kept); {
		case n >= 1 && kept[n-1] == v:
		case n >= 2 && kept[n-2] == v:
			kept = kept[:n-1]
		default:
			kept = append(kept, v)
		}
	}
	for len(kept) >= 3 {
		n := len(kept)
		switch {
		case kept[0] == kept[n-1]:
			kept = kept[:n-1]
		case kept[0] == kept[n-2]: // the last corner is a spike
			kept = kept[:n-2]
		case kept[1] == kept[n-1]: // the first corner is a spike
			kept = kept[1 : n-1]
		default:
			return kept
		}
	}
	return kept
}

// appendFace appends a valid face.
func (m *Mesh) appendFace(face []int32) {
	if len(m.Starts) == 0 {
		m.Starts = append(m.Starts, 0)
	}
	m.Corners = append(m.Corners, face...)
	m.Starts = append(m.Starts, int32(len(m.Corners)))
}

// RemoveUnused returns m without the vertices that no face uses, and the old
// index of each new vertex. The order is kept.
func RemoveUnused(m *Mesh) (*Mesh, []int32) {
	used := make([]bool, len(m.Vertices))
	for _, v := range m.Corners {
		used[v] = true
	}
	out := &Mesh{Corners: make([]int32, len(m.Corners)), Starts: slices.Clone(m.Starts)}
	to := make([]int32, len(m.Vertices))
	var from []int32
	for v, ok := range used {
		if ok {
			to[v] = out.AddVertex(m.Vertices[v])
			from = append(from, int32(v))
		}
	}
	for h, v := range m.Corners {
		out.Corners[h] = to[v]
	}
	return out, from
}
