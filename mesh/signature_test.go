package mesh

import (
	"math/rand/v2"
	"testing"
)

func TestSignatureInvariant(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	shapes := map[string]*Mesh{
		"cube": Cube(), "box": Box(Vec3{}, Vec3{1, 2, 3}), "torus": Torus(12, 8, 2, 0.7), "thin torus": Torus(12, 8, 2, 0.6),
		"sphere": UVSphere(12, 7), "quad sphere": QuadSphere(4), "grid": Grid(3), "cube grid": CubeGrid(4),
	}
	seen := make(map[string]string)
	for name, m := range shapes {
		want := Signature(m)
		if other, ok := seen[want]; ok {
			t.Errorf("%s and %s have the same signature", name, other)
		}
		seen[want] = name
		for i := range 20 {
			if got := Signature(Transformed(shuffled(random, m), turned(random, i%2 == 0))); got != want {
				t.Fatalf("%s: copy %d has another signature", name, i)
			}
		}
		if got := Signature(exploded(m)); got != want {
			t.Errorf("%s: faces of their own vertices have another signature", name)
		}
	}
}

// shuffled returns m with vertices, faces and first corners in another order.
func shuffled(random *rand.Rand, m *Mesh) *Mesh {
	to := random.Perm(len(m.Vertices))
	out := &Mesh{Vertices: make([]Vec3, len(m.Vertices))}
	for v, p := range m.Vertices {
		out.Vertices[to[v]] = p
	}
	for _, f := range random.Perm(m.NumFaces()) {
		face := m.Face(f)
		shift := random.IntN(len(face))
		var corners []int32
		for k := range face {
			corners = append(corners, int32(to[face[(k+shift)%len(face)]]))
		}
		out.appendFace(corners)
	}
	return out
}
