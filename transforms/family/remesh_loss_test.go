package family

import (
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/request"
)

// TestRemeshTellsWhatIsLost remeshes a sphere with another inside, far from the
// origin: a fifth of the area is the inner one's, which is filled.
func TestRemeshTellsWhatIsLost(t *testing.T) {
	source, first := &mesh.Mesh{}, int32(0)
	for _, r := range []float64{1, 0.5} {
		m := mesh.Transformed(mesh.QuadSphere(10), mesh.Transform{Scale: r, Offset: mesh.Vec3{4e5, 5e6, 100}}.Matrix())
		source.Vertices = append(source.Vertices, m.Vertices...)
		for f := range m.NumFaces() {
			c := m.Face(f)
			if err := source.AddFace(c[0]+first, c[1]+first, c[2]+first, c[3]+first); err != nil {
				t.Fatal(err)
			}
		}
		first = int32(len(source.Vertices))
	}
	f := &remeshing{room: make(chan struct{}, 1)}
	for _, r := range []request.Request{{ID: "a", Depth: 5}, {ID: "b", Faces: 400}} {
		out, err := f.Generate(t.Context(), r, Media{Mesh: source})
		if err != nil {
			t.Fatal(err)
		}
		m := out.Measures
		if m["buried_parts"] != 1 || m["lost_parts"] != 1 || m["source_parts"] != 2 || m["lost_share"] < 0.19 || m["lost_share"] > 0.21 {
			t.Errorf("%s: %v", r.ID, m)
		}
	}
}
