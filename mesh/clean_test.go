package mesh

import (
	"math"
	"slices"
	"testing"
)

func TestWeldEqual(t *testing.T) {
	m := &Mesh{Vertices: []Vec3{{0, 1, 2}, {3, 4, 5}, {math.Copysign(0, -1), 1, 2}, {3, 4, 5.0000001}}}
	m.appendFace([]int32{0, 1, 2, 3})
	out, to := Weld(m, 0)
	if want := []int32{0, 1, 0, 2}; !slices.Equal(to, want) || !slices.Equal(out.Corners, want) {
		t.Fatalf("welded to %v with corners %v, want %v", to, out.Corners, want)
	}
	if len(out.Vertices) != 3 || len(m.Vertices) != 4 {
		t.Fatalf("%d vertices, want 3; source has %d, want 4", len(out.Vertices), len(m.Vertices))
	}
}

// TestWeldNear compares the grid with a look at all earlier kept vertices.
func TestWeldNear(t *testing.T) {
	points := randomMesh(2, 800, 0).Vertices
	for _, tolerance := range []float64{0.01, 0.07, 0.5} {
		var kept []Vec3
		want := make([]int32, len(points))
		for i, p := range points {
			best, nearest := -1, tolerance
			for j, q := range kept {
				if d := q.Sub(p).Len(); d < nearest || d == nearest && best < 0 {
					best, nearest = j, d
				}
			}
			if best < 0 {
				best = len(kept)
				kept = append(kept, p)
			}
			want[i] = int32(best)
		}
		got, to := weldNear(points, tolerance)
		if !slices.Equal(got, kept) || !slices.Equal(to, want) {
			t.Fatalf("tolerance %g: kept %d vertices, want %d", tolerance, len(got), len(kept))
		}
	}
}

func TestWeldNearHugeCoordinates(t *testing.T) {
	kept, _ := weldNear([]Vec3{{1e300, 0, 0}, {1e300, 0, 0}, {-1e300, 0, 0}}, 1e-300)
	if len(kept) != 2 {
		t.Fatalf("%d kept, want 2", len(kept))
	}
}

func TestTrimFace(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want []int32
	}{
		{"clean", []int32{0, 1, 2, 3}, []int32{0, 1, 2, 3}},
		{"repeated", []int32{0, 1, 1, 1, 2, 3}, []int32{0, 1, 2, 3}},
		{"closed", []int32{0, 1, 2, 0}, []int32{0, 1, 2}},
		{"all equal", []int32{4, 4, 4, 4}, []int32{4}},
		{"bow tie quad", []int32{0, 1, 0, 2}, []int32{0}},
		{"bow tie quad, rotated", []int32{1, 0, 2, 0}, []int32{}},
		{"spike inside", []int32{0, 1, 5, 1, 2}, []int32{0, 1, 2}},
		{"spike at the end", []int32{0, 1, 2, 5, 2}, []int32{0, 1, 2}},
		{"spike first", []int32{5, 0, 1, 2, 0}, []int32{0, 1, 2}},
		{"spike last", []int32{0, 1, 2, 0, 5}, []int32{0, 1, 2}},
		{"long spike", []int32{0, 1, 5, 6, 5, 1, 2}, []int32{0, 1, 2}},
		{"long spike over the end", []int32{6, 5, 0, 1, 2, 0, 5}, []int32{0, 1, 2}},
		{"bridge to a hole stays", []int32{0, 1, 2, 3, 0, 4, 5, 6, 4}, []int32{0, 1, 2, 3, 0, 4, 5, 6, 4}},
	} {
		got := trimFace(slices.Clone(c.in))
		if len(c.want) < 3 && len(got) < 3 {
			continue // too short to be a face, whatever is left
		}
		if len(got) != len(c.want) || compareRotated(got, c.want, leastRotation(got), leastRotation(c.want)) != 0 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRemoveDegenerate(t *testing.T) {
	m := Grid(1)
	m.appendFace([]int32{0, 1, 0})
	m.appendFace([]int32{0, 1, 1, 3})
	out, removed := RemoveDegenerate(m)
	if removed != 1 || out.NumFaces() != 2 || !slices.Equal(out.Face(1), []int32{0, 1, 3}) {
		t.Fatalf("removed %d, left %v", removed, out.Corners)
	}
}

func TestRemoveDuplicateFaces(t *testing.T) {
	m := Grid(1) // 0 1 3 2
	m.appendFace([]int32{3, 2, 0, 1})
	m.appendFace([]int32{2, 3, 1, 0}) // the back side
	m.appendFace([]int32{0, 1, 3})
	m.appendFace([]int32{1, 3, 0})
	out, removed := RemoveDuplicateFaces(m)
	want := []int32{0, 1, 3, 2, 2, 3, 1, 0, 0, 1, 3}
	if removed != 2 || !slices.Equal(out.Corners, want) {
		t.Fatalf("removed %d, left %v, want %v", removed, out.Corners, want)
	}
}

func TestLeastRotation(t *testing.T) {
	for _, face := range [][]int32{{2, 0, 1}, {1, 0, 3, 0, 2}, {0, 1, 0, 1}, {0, 0, 1, 0, 0, 2}} {
		best := leastRotation(face)
		for i := range face {
			if compareRotated(face, face, int32(i), best) < 0 {
				t.Errorf("%v: offset %d reads lower than %d", face, i, best)
			}
		}
	}
}

func TestRemoveUnused(t *testing.T) {
	m := &Mesh{Vertices: []Vec3{{9}, {1}, {8}, {2}, {3}}}
	m.appendFace([]int32{4, 1, 3})
	out, from := RemoveUnused(m)
	if !slices.Equal(from, []int32{1, 3, 4}) || !slices.Equal(out.Corners, []int32{2, 0, 1}) {
		t.Fatalf("from %v, corners %v", from, out.Corners)
	}
	if out.Vertices[2] != (Vec3{3}) {
		t.Fatalf("vertices %v", out.Vertices)
	}
}

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
