package mesh

import (
	"errors"
	"testing"
)

func TestCheckArea(t *testing.T) {
	line := &Mesh{Vertices: []Vec3{{}, {1}, {2}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	point := &Mesh{Vertices: []Vec3{{5, 5, 5}, {5, 5, 5}, {5, 5, 5}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	both := Clone(line)
	at := both.AddVertex(Vec3{0, 1e-9, 0})
	if err := both.AddFace(0, 1, at); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		m    *Mesh
		err  error
	}{
		{"cube", Cube(), nil},
		{"tiny", Transformed(Cube(), Transform{Scale: 1e-300}.Matrix()), nil},
		{"far", Transformed(Cube(), Transform{Scale: 1, Offset: Vec3{1e12, 0, 0}}.Matrix()), nil},
		{"a line and a sliver", both, nil},
		{"line", line, ErrNoArea},
		{"point", point, ErrNoArea},
		{"nothing", &Mesh{}, ErrEmpty},
	} {
		if err := CheckArea(c.m); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}
