package mesh

import "testing"

func TestNormals(t *testing.T) {
	for _, m := range []*Mesh{UVSphere(16, 9), QuadSphere(5), Cube()} {
		for v, n := range VertexNormals(m) {
			if d := n.Sub(m.Vertices[v].Unit()).Len(); d > 0.03 {
				t.Errorf("vertex %d: normal %v at %v", v, n, m.Vertices[v])
			}
		}
	}
	if a := FaceVector(outline(Vec3{0, 0}, Vec3{4, 0}, Vec3{1, 1}, Vec3{0, 4}), 0); a != (Vec3{0, 0, 4}) {
		t.Errorf("area vector of an arrowhead: %v", a)
	}
	if n := FaceNormal(outline(Vec3{0}, Vec3{1}, Vec3{2}), 0); n != (Vec3{}) {
		t.Errorf("normal of a line: %v", n)
	}
}
