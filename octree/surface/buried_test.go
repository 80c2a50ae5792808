package surface_test

import (
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/internal/testmesh"
	"github.com/morton-gen/morton/octree/surface"
)

// TestBuried counts the parts of which the union keeps nothing.
func TestBuried(t *testing.T) {
	sphere := func(r float64) *mesh.Mesh { return testmesh.Sphere(mesh.Vec3{}, r, 24) }
	sheet := testmesh.Sheet(0.2, 4)
	beside := testmesh.Moved(sheet, func(p mesh.Vec3) mesh.Vec3 { return p.Add(mesh.Vec3{0, 0, 0.87}) })
	shifted := testmesh.Moved(sphere(0.3), func(p mesh.Vec3) mesh.Vec3 { return p.Add(mesh.Vec3{0.5}) })
	for _, c := range []struct {
		name string
		m    *mesh.Mesh
		want int
	}{
		{"one sphere", sphere(0.8), 0},
		{"three nested", testmesh.Joined(testmesh.Joined(sphere(0.8), sphere(0.5)), sphere(0.3)), 2},
		{"a cavity", testmesh.Joined(sphere(0.8), testmesh.Flipped(sphere(0.5))), 1},
		{"a thin shell", testmesh.Joined(sphere(0.8), testmesh.Flipped(sphere(0.79))), 1},
		{"one twice", testmesh.Joined(sphere(0.8), sphere(0.8)), 0},
		{"overlapping", testmesh.Joined(sphere(0.5), shifted), 0},
		{"a sheet inside", testmesh.Joined(sphere(0.8), sheet), 1},
		{"a sheet outside", testmesh.Joined(sphere(0.8), beside), 0},
		{"a sheet that comes out", testmesh.Joined(sphere(0.8), testmesh.Sheet(0.9, 4)), 0},
		{"a plate", testmesh.Box(mesh.Vec3{-0.8, -0.8, 0}, mesh.Vec3{0.8, 0.8, 0.001}), 0},
	} {
		for _, depth := range []int{4, 6} {
			_, _, parts, err := surface.Build(c.m, depth)
			if err != nil {
				t.Fatal(err)
			}
			if parts.Buried != c.want {
				t.Errorf("%s at depth %d: %d parts buried, want %d", c.name, depth, parts.Buried, c.want)
			}
		}
	}
}
