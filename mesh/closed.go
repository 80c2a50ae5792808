package mesh

// Closed returns the components of m, by shared vertices, in which every edge has exactly two
// faces, and the number of the others. It holds only the vertices it uses.
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
