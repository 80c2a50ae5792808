package mesh

import (
	"slices"
	"testing"
)

func TestComponents(t *testing.T) {
	both := joined(Cube(), Transformed(Torus(6, 5, 1, 0.3), Transform{Scale: 1, Offset: Vec3{9, 0, 0}}.Matrix()))
	parts := Components(both)
	if len(parts) != 2 {
		t.Fatalf("%d parts, want 2", len(parts))
	}
	if parts[0].NumFaces() != 6 || len(parts[0].Vertices) != 8 || parts[1].NumFaces() != 30 || len(parts[1].Vertices) != 30 {
		t.Fatalf("parts of %d and %d faces, want 6 and 30", parts[0].NumFaces(), parts[1].NumFaces())
	}
	for _, p := range parts {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	if got := Components(exploded(Cube())); len(got) != 1 {
		t.Fatalf("a cube of separate faces has %d parts after welding, want 1", len(got))
	}
}

// joined returns both meshes in one.
func joined(a, b *Mesh) *Mesh {
	out := Clone(a)
	out.Vertices = append(out.Vertices, b.Vertices...)
	for f := range b.NumFaces() {
		face := slices.Clone(b.Face(f))
		for k := range face {
			face[k] += int32(len(a.Vertices))
		}
		out.appendFace(face)
	}
	return out
}

// exploded returns m with no vertex shared between faces.
func exploded(m *Mesh) *Mesh {
	out := &Mesh{}
	for f := range m.NumFaces() {
		var face []int32
		for _, v := range m.Face(f) {
			face = append(face, out.AddVertex(m.Vertices[v]))
		}
		out.appendFace(face)
	}
	return out
}
