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
// A corner is dropped if it repeats its successor (a, a), and so is a spike
// (a, b, a), which runs along an edge and straight back. A quad that loses one
// corner becomes a triangle. The test looks at vertex indices only: [Weld]
// first; faces whose corners differ but lie on a line are kept, since removing
// them would open a crack between their neighbours.
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

// trimFace drops repeated corners and spikes from face, in place, until none
// is left. It works like a stack of accepted corners: each new corner may undo
// the one before it; the two ends are then matched with each other.
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

// appendFace appends a face whose corners are known to be good.
func (m *Mesh) appendFace(face []int32) {
	if len(m.Starts) == 0 {
		m.Starts = append(m.Starts, 0)
	}
	m.Corners = append(m.Corners, face...)
	m.Starts = append(m.Starts, int32(len(m.Corners)))
}

// RemoveDuplicateFaces returns m without faces that repeat an earlier one, and
// how many there were. Two faces are the same if one is a rotation of the
// other's corners; the same corners in the opposite order are the back side of
// a sheet, and kept.
func RemoveDuplicateFaces(m *Mesh) (*Mesh, int) {
	out := &Mesh{Vertices: slices.Clone(m.Vertices)}
	duplicate := duplicateFaces(m)
	removed := 0
	for f := range m.NumFaces() {
		if duplicate[f] {
			removed++
			continue
		}
		out.appendFace(m.Face(f))
	}
	return out, removed
}

// duplicateFaces marks the faces that repeat an earlier one. Faces are dealt
// into one bucket per lowest vertex, and sorted inside it.
func duplicateFaces(m *Mesh) []bool {
	first := make([]int32, m.NumFaces()) // offset of the corner that starts the least rotation
	starts := make([]int32, len(m.Vertices)+1)
	for f := range first {
		first[f] = leastRotation(m.Face(f))
		starts[m.Face(f)[first[f]]+1]++
	}
	for v := 1; v < len(starts); v++ {
		starts[v] += starts[v-1]
	}
	order, fill := make([]int32, m.NumFaces()), slices.Clone(starts)
	for f := range first {
		v := m.Face(f)[first[f]]
		order[fill[v]] = int32(f)
		fill[v]++
	}
	compare := func(f, g int32) int {
		return compareRotated(m.Face(int(f)), m.Face(int(g)), first[f], first[g])
	}
	duplicate := make([]bool, m.NumFaces())
	for v := range m.Vertices {
		bucket := order[starts[v]:starts[v+1]]
		slices.SortStableFunc(bucket, compare)
		for i := 1; i < len(bucket); i++ {
			duplicate[bucket[i]] = compare(bucket[i-1], bucket[i]) == 0
		}
	}
	return duplicate
}

// leastRotation returns the offset at which face reads as the least sequence.
// With distinct corners that is the offset of the lowest one; where the lowest
// repeats, candidates are compared in full.
func leastRotation(face []int32) int32 {
	best := int32(0)
	for i := int32(1); int(i) < len(face); i++ {
		if face[i] < face[best] || face[i] == face[best] && compareRotated(face, face, i, best) < 0 {
			best = i
		}
	}
	return best
}

// compareRotated compares a read from offset i with b read from offset j,
// shorter first.
func compareRotated(a, b []int32, i, j int32) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	for range a {
		if a[i] != b[j] {
			return int(a[i]) - int(b[j])
		}
		if i++; int(i) == len(a) {
			i = 0
		}
		if j++; int(j) == len(b) {
			j = 0
		}
	}
	return 0
}

// RemoveUnused returns m without the vertices that no face uses, and for every
// new vertex its old index. The order is kept.
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
