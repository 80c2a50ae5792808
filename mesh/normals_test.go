package mesh

import "testing"

func TestNormals(t *testing.T) {
	for _, m := range []*Mesh{UVSphere(16, 9), QuadSphere(5), Cube()} {
		for f := range m.NumFaces() {
			var middle Vec3
			for _, v := range m.Face(f) {
				middle = middle.Add(m.Vertices[v])
			}
			if n := FaceNormal(m, f); n.Sub(middle.Unit()).Len() > 0.1 {
				t.Errorf("face %d: normal %v at %v", f, n, middle)
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
