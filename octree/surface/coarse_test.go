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

// ball is a closed mesh of a ball about a point.
func ball(t *testing.T, radius float64, middle mesh.Vec3) *mesh.Mesh {
	t.Helper()
	m, err := gridOf(49, func(p mesh.Vec3) float64 { return p.Sub(middle).Len() - radius }).Triangles(0)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOverlap compares balls with the volumes of balls, of the lenses in which they meet, and of a
// shell.
func TestOverlap(t *testing.T) {
	volume := func(r float64) float64 { return 4 * math.Pi / 3 * r * r * r }
	lens := func(r, d float64) float64 { return math.Pi * (4*r + d) * (2*r - d) * (2*r - d) / 12 }
	whole := ball(t, 0.5, mesh.Vec3{})
	for name, x := range map[string]struct {
		other *mesh.Mesh
		want  float64
	}{
		"itself":               {whole, 1},
		"in another":           {ball(t, 0.4, mesh.Vec3{0.05, 0, 0}), volume(0.4) / volume(0.5)},
		"beside it":            {ball(t, 0.5, mesh.Vec3{0, 0.3, 0}), lens(0.5, 0.3) / (2*volume(0.5) - lens(0.5, 0.3))},
		"apart":                {ball(t, 0.2, mesh.Vec3{0, 0, 0.75}), 0},
		"a shell":              {testmesh.Joined(whole, testmesh.Flipped(ball(t, 0.4, mesh.Vec3{}))), 1 - volume(0.4)/volume(0.5)},
		"itself and one in it": {testmesh.Joined(whole, ball(t, 0.4, mesh.Vec3{})), 1},
	} {
		got, err := surface.Overlap(whole, x.other, 6)
		if err != nil || math.Abs(got-x.want) > 0.01 {
			t.Errorf("%s: %g, want %g (%v)", name, got, x.want, err)
		}
	}
	if _, err := surface.Overlap(whole, &mesh.Mesh{}, 6); !errors.Is(err, octree.ErrEmpty) {
		t.Errorf("an empty mesh: %v", err)
	}
}

// TestCoarse holds the surfaces of a ball's coarse octree to the ball. The cells reach out of it,
// and are closed; the smooth surface is nearer to it.
func TestCoarse(t *testing.T) {
	m := ball(t, 0.6, mesh.Vec3{0.02, 0.01, 0})
	o, _, _, err := surface.Build(m, 4)
	if err != nil {
		t.Fatal(err)
	}
	cells, smooth, err := surface.Coarse(o, 0.6, 0.7)
	if err != nil {
		t.Fatal(err)
	}
	var overlaps []float64
	for _, x := range []*mesh.Mesh{cells, smooth} {
		r, err := mesh.Measure(x)
		if err != nil || !r.Watertight || r.Components != 1 || r.Euler != 2 {
			t.Errorf("%+v, %v", r, err)
		}
		iou, err := surface.Overlap(m, x, 6)
		if err != nil {
			t.Fatal(err)
		}
		overlaps = append(overlaps, iou)
	}
	if !(overlaps[0] > 0.6 && overlaps[0] < 0.7 && overlaps[1] > 0.85) {
		t.Errorf("overlaps %g", overlaps)
	}
	// All cells lie within the surface of the cells: its volume is theirs, but for cut edges.
	inside := 0.0
	for _, p := range cells.Vertices {
		inside = max(inside, p.Len())
	}
	if inside < 0.6 {
		t.Errorf("the cells reach %g from the middle", inside)
	}
	if _, _, err := surface.Coarse(&octree.Octree{Depth: 6}, 1, 0.5); !errors.Is(err, octree.ErrDepth) {
		t.Errorf("depth 6: %v", err)
	}
}
