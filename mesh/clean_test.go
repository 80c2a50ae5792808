package mesh

import (
	"slices"
	"testing"
)

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
