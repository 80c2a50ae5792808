package surface_test

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
	"github.com/morton-gen/morton/octree/surface"
)

// TestLoss has shapes whose loss can be worked out.
//
// Two blocks 0.02 apart have their gap between the grid planes of depth 4, where
// it is filled: of their areas of 3.92 and 4 the points of the two inner faces of
// area 1 are lost that are a diagonal d = 0.217 inside the border, 2(1-2d)². At
// depth 8 the gap is 2.56 cells wide and nothing is lost.
func TestLoss(t *testing.T) {
	sphere := func(r float64) *mesh.Mesh { return testmesh.Sphere(mesh.Vec3{}, r, 32) }
	blocks := testmesh.Joined(
		testmesh.Box(mesh.Vec3{-0.45, -0.5, -0.5}, mesh.Vec3{0.04, 0.5, 0.5}), testmesh.Box(mesh.Vec3{0.06, -0.5, -0.5}, mesh.Vec3{0.56, 0.5, 0.5}),
	)
	gap := 2 * math.Pow(1-2*math.Sqrt(3)/8, 2) / (2 + 4*0.49 + 2 + 4*0.5)
	plate := testmesh.Box(mesh.Vec3{-0.8, -0.8, 0.01}, mesh.Vec3{0.8, 0.8, 0.0101})
	for _, c := range []struct {
		name       string
		m          *mesh.Mesh
		depth      int
		want       surface.Loss
		thickens   bool
		somethings bool
	}{
		{"sphere", sphere(0.8), 6, surface.Loss{Of: 1}, false, false},
		{"nested spheres", testmesh.Joined(sphere(0.8), sphere(0.4)), 6, surface.Loss{Share: 0.2, Parts: 1, Of: 2, Buried: 1}, false, true},
		{"a shell close under another", testmesh.Joined(sphere(0.8), testmesh.Flipped(sphere(0.79))), 5, surface.Loss{Of: 2, Buried: 1}, false, true},
		{"thin plate", plate, 4, surface.Loss{Of: 1}, true, false},
		{"thin plate, deep", plate, 7, surface.Loss{Of: 1}, true, false},
		{"sheet", testmesh.Sheet(0.7, 5), 5, surface.Loss{Of: 1}, false, false},
		{"narrow gap", blocks, 4, surface.Loss{Share: gap, Of: 2}, false, true},
		{"narrow gap, deep", blocks, 8, surface.Loss{Of: 2}, false, false},
		{"a grain in a block", testmesh.Joined(box(0.8), box(0.001)), 5, surface.Loss{Parts: 1, Of: 2, Buried: 1}, false, true},
	} {
		got, err := surface.MeasureLoss(c.m, c.depth)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Share-c.want.Share) > 0.01 || (got.Share == 0) != (c.want.Share == 0) {
			t.Errorf("%s: share %g, want %g", c.name, got.Share, c.want.Share)
		}
		if (got.Thickened > 0) != c.thickens || got.Any() != c.somethings || got.Depth != c.depth {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got.Parts != c.want.Parts || got.Of != c.want.Of || got.Buried != c.want.Buried {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLossErrors(t *testing.T) {
	if _, err := surface.LossOf(box(0.5), box(0.5), 11, surface.Parts{}); !errors.Is(err, octree.ErrDepth) {
		t.Errorf("too deep: %v", err)
	}
	if _, err := surface.MeasureLoss(&mesh.Mesh{}, 5); !errors.Is(err, octree.ErrEmpty) {
		t.Errorf("no faces: %v", err)
	}
	flat := &mesh.Mesh{Vertices: []mesh.Vec3{{0}, {0.1}, {0.2}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	if _, err := surface.MeasureLoss(flat, 5); !errors.Is(err, mesh.ErrNoArea) {
		t.Errorf("no area: %v", err)
	}
}
