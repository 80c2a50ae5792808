package mesh

import "testing"

func TestClosed(t *testing.T) {
	m := Clone(Cube())
	n := int32(len(m.Vertices))
	m.Vertices = append(m.Vertices, Vec3{9, 0, 0}, Vec3{9, 1, 0}, Vec3{9, 0, 1}, Vec3{5, 5, 5})
	if err := m.AddFace(n, n+1, n+2); err != nil {
		t.Fatal(err)
	}
	closed, open := Closed(m)
	if open != 1 || closed.NumFaces() != 6 || len(closed.Vertices) != 8 || closed.Validate() != nil {
		t.Errorf("%d open parts, %d faces of %d vertices", open, closed.NumFaces(), len(closed.Vertices))
	}
	if err := m.AddFace(0, 1, n+3); err != nil { // a fin on the cube
		t.Fatal(err)
	}
	if closed, open := Closed(m); open != 2 || closed.NumFaces() != 0 || closed.Validate() != nil {
		t.Errorf("%d open parts, %d faces", open, closed.NumFaces())
	}
	if closed, open := Closed(&Mesh{}); open != 0 || closed.NumFaces() != 0 {
		t.Errorf("of nothing: %d open parts, %d faces", open, closed.NumFaces())
	}
}
