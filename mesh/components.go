package mesh

// FaceComponents labels the faces by vertex-connected component, in order of
// their first face, and returns the number of components. Vertices at equal
// positions but with different indices do not connect: [Weld] first.
func FaceComponents(m *Mesh) (labels []int32, n int) {
	sets := newDisjoint(len(m.Vertices))
	for f := range m.NumFaces() {
		face := m.Face(f)
		for _, v := range face[1:] {
			sets.union(face[0], v)
		}
	}
	labels = make([]int32, m.NumFaces())
	byRoot := make(map[int32]int32)
	for f := range labels {
		root := sets.find(m.Face(f)[0])
		label, ok := byRoot[root]
		if !ok {
			label = int32(len(byRoot))
			byRoot[root] = label
		}
		labels[f] = label
	}
	return labels, len(byRoot)
}

// Components splits m into its connected parts after welding equal positions.
// Parts are in order of their first face and have no unused vertices or
// degenerate faces.
func Components(m *Mesh) []*Mesh {
	whole := Clean(m, 0)
	labels, n := FaceComponents(whole)
	parts := make([]*Mesh, n)
	for i := range parts {
		parts[i] = &Mesh{}
	}
	to := make([]int32, len(whole.Vertices)) // a vertex lies in one part only
	for v := range to {
		to[v] = -1
	}
	face := make([]int32, 0, 8)
	for f, label := range labels {
		part := parts[label]
		face = face[:0]
		for _, v := range whole.Face(f) {
			if to[v] < 0 {
				to[v] = part.AddVertex(whole.Vertices[v])
			}
			face = append(face, to[v])
		}
		part.appendFace(face)
	}
	return parts
}
