package mesh

import (
	"errors"
	"testing"
)

// meshFromBytes makes any valid mesh: the first byte is the number of vertices,
// three bytes are a vertex, and a face is a byte with its size and one a corner.
func meshFromBytes(data []byte) *Mesh {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	m := &Mesh{}
	for range 1 + next()%32 {
		m.AddVertex(Vec3{float64(int8(next())), float64(int8(next())), float64(int8(next()))})
	}
	for len(data) > 0 && m.NumFaces() < 64 {
		face := make([]int32, 3+next()%9)
		for k := range face {
			face[k] = int32(next() % len(m.Vertices))
		}
		m.appendFace(face)
	}
	return m
}

// FromBytes is for the tests of package mesh_test.
var FromBytes = meshFromBytes

// FuzzMeasure checks on meshes with every defect that nothing panics and that
// what must add up does.
func FuzzMeasure(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 9, 0, 0, 9, 9, 0, 0, 9, 0, 1, 0, 1, 2, 3, 0, 0, 2, 1})
	f.Add([]byte{5, 0, 0, 0, 9, 0, 0, 3, 1, 0, 0, 9, 0, 1, 2, 0, 9, 9, 0, 3, 0, 1, 2, 3, 4, 5, 1, 3, 3, 2, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := meshFromBytes(data)
		corners := len(m.Corners)
		r, err := Measure(m)
		if err != nil {
			if !errors.Is(err, ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		if r.Faces != r.Triangles+r.Quads+r.Ngons || r.Faces+r.DegenerateFaces != m.NumFaces() {
			t.Fatalf("faces do not add up: %+v", r)
		}
		if r.Components < 1 || r.EdgeLoops < 1 || r.EdgeLoops > r.Edges || r.BoundaryEdges+r.NonManifoldEdges > r.Edges {
			t.Fatalf("%+v", r)
		}
		clean := Clean(m, 0)
		if again, err := Measure(clean); err != nil || topologyOf(again) != topologyOf(r) {
			t.Fatalf("cleaned: %+v, %v; before: %+v", again, err, r)
		}
		checkPieces(t, clean)
		checkOriented(t, clean, r)
		if len(Components(m)) != r.Components || len(m.Corners) != corners {
			t.Fatal("parts do not add up, or the source changed")
		}
	})
}

func checkPieces(t *testing.T, m *Mesh) {
	t.Helper()
	triangles, faceOf := Triangulate(m)
	if got, want := triangles.NumFaces(), len(m.Corners)-2*m.NumFaces(); got != want || len(faceOf) != want {
		t.Fatalf("%d triangles, want %d", got, want)
	}
	split, from := SplitNgons(m)
	excess := 0 // every piece of k corners stands for k-2 triangles
	for f := range split.NumFaces() {
		excess += len(split.Face(f)) - 2
	}
	if excess != triangles.NumFaces() || len(from) != split.NumFaces() || triangles.Validate() != nil || split.Validate() != nil {
		t.Fatalf("pieces stand for %d triangles, want %d", excess, triangles.NumFaces())
	}
}

func checkOriented(t *testing.T, m *Mesh, r Report) {
	t.Helper()
	out, did := Orient(m)
	after, err := Measure(out)
	if err != nil || after.ConsistentWinding != (did.Conflicts == 0) || r.Orientable != (did.Conflicts == 0) {
		t.Fatalf("%v: %+v, measured %+v before and %+v after", err, did, r, after)
	}
}
