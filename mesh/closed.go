package mesh

// Closed returns the vertex-connected components of m in which every edge has exactly two
// faces, and the number of the other components. Unused vertices are dropped.
func Closed(m *Mesh) (closed *Mesh, open int) {
	labels, n := FaceComponents(m)
	isOpen := make([]bool, n)
	t := BuildEdges(m)
	for e := range int32(t.Len()) {
		if !t.IsManifold(e) {
			isOpen[labels[t.FaceOf[t.HalfEdges(e)[0]]]] = true
		}
	}
	closed = &Mesh{Vertices: m.Vertices}
	for f, label := range labels {
		if !isOpen[label] {
			closed.appendFace(m.Face(f))
		}
	}
	for _, is := range isOpen {
		if is {
			open++
		}
	}
	closed, _ = RemoveUnused(closed)
	return closed, open
}
