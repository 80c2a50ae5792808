package mesh

import "slices"

// duplicateFaces marks the faces that repeat an earlier one. Two faces are equal
// if one is a rotation of the other's corners. The same corners in reverse order
// are the back of a sheet and do not count. Faces are bucketed by lowest vertex
// and sorted within a bucket.
func duplicateFaces(m *Mesh) []bool {
	first := make([]int32, m.NumFaces()) // offset of the least rotation
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

// leastRotation returns the offset of the lexicographically least rotation.
// With distinct corners that is the offset of the lowest one.
func leastRotation(face []int32) int32 {
	best := int32(0)
	for i := int32(1); int(i) < len(face); i++ {
		if face[i] < face[best] || face[i] == face[best] && compareRotated(face, face, i, best) < 0 {
			best = i
		}
	}
	return best
}

// compareRotated compares a rotated to offset i with b rotated to offset j,
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
