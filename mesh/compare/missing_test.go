package compare

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func joined(all ...*mesh.Mesh) *mesh.Mesh {
	out := &mesh.Mesh{}
	for _, m := range all {
		first := int32(len(out.Vertices))
		out.Vertices = append(out.Vertices, m.Vertices...)
		for f := range m.NumFaces() {
			var face []int32
			for _, v := range m.Face(f) {
				face = append(face, v+first)
			}
			if err := out.AddFace(face...); err != nil {
				panic(err)
			}
		}
	}
	return out
}

// TestMissing has nested cubes of sides 2, 1 and a hundredth, of which the mesh has
// the outer one: areas are 24, 6 and 0.0006. The outer one's inside is far from
// both. The smallest is too small to be sampled, and counts as a part still.
func TestMissing(t *testing.T) {
	cube := func(scale float64) *mesh.Mesh { return moved(mesh.CubeGrid(4), scale, mesh.Vec3{}) }
	line := &mesh.Mesh{Vertices: []mesh.Vec3{{0}, {1}, {2}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	all := joined(cube(1), cube(0.5), cube(0.005), line)
	for _, c := range []struct {
		name     string
		m        *mesh.Mesh
		distance float64
		want     Missing
	}{
		{"the outer one", cube(1), 0.4, Missing{Share: 6.0006 / 30.0006, Parts: 2, Of: 3}},
		{"within its reach", cube(1), 0.51, Missing{Share: 0.0006 / 30.0006, Parts: 1, Of: 3}},
		{"all", all, 0.01, Missing{Of: 3}},
		{"nothing", &mesh.Mesh{}, 9, Missing{Share: 1, Parts: 3, Of: 3}},
		// The outer one is 0.5 away or more, the smallest 0.495.
		{"the inner one", cube(0.5), 0.499, Missing{Share: 24 / 30.0006, Parts: 1, Of: 3}},
	} {
		for _, by := range []mesh.Vec3{{}, {5e6, 2e6, -3e6}} {
			got, err := MissingFrom(moved(c.m, 1, by), moved(all, 1, by), c.distance, Options{Samples: 20_000})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, c.name, got.Share, c.want.Share, 1e-3)
			if got.Parts != c.want.Parts || got.Of != c.want.Of {
				t.Errorf("%s at %v: %+v, want %+v", c.name, by, got, c.want)
			}
		}
	}
}

func TestMissingErrors(t *testing.T) {
	line := &mesh.Mesh{Vertices: []mesh.Vec3{{0}, {1}, {2}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	for _, c := range []struct {
		reference *mesh.Mesh
		distance  float64
		o         Options
		want      error
	}{
		{mesh.Cube(), -1, Options{}, ErrOptions},
		{mesh.Cube(), math.NaN(), Options{}, ErrOptions},
		{mesh.Cube(), 1, Options{Samples: -1}, ErrOptions},
		{line, 1, Options{}, mesh.ErrNoArea},
		{&mesh.Mesh{}, 1, Options{}, mesh.ErrEmpty},
	} {
		if _, err := MissingFrom(mesh.Cube(), c.reference, c.distance, c.o); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c, err, c.want)
		}
	}
}
