package compare

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"samples": {Samples: -1}, "too many": {Samples: MaxPoints + 1}, "vertices": {Vertices: -1},
		"zero": {Thresholds: []float64{0}}, "NaN": {Thresholds: []float64{math.NaN()}}, "infinite": {Thresholds: []float64{math.Inf(1)}},
		"many thresholds": {Thresholds: make([]float64, MaxThresholds+1)},
	} {
		if _, err := Surfaces(mesh.Cube(), mesh.Cube(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := Surfaces(mesh.Cube(), mesh.Cube(), Options{})
	if err != nil || r.Samples != DefaultSamples || len(r.Scores) != len(DefaultThresholds) {
		t.Fatalf("defaults: %+v, %v", r, err)
	}
	if f, ok := r.F(0.01); !ok || f != 1 || r.Hausdorff > 1e-12 {
		t.Errorf("a cube and itself: F %g, %v, Hausdorff %g", f, ok, r.Hausdorff)
	}
	if _, ok := r.F(0.3); ok {
		t.Error("a threshold that was not asked for")
	}
}

// TestVertexLimit bounds the vertices and keeps them evenly.
func TestVertexLimit(t *testing.T) {
	m := mesh.Grid(20)
	if got := len(usedVertices(m, 1000)); got != 441 {
		t.Errorf("%d vertices of 441", got)
	}
	if got := usedVertices(m, 21); len(got) != 21 || got[0] != m.Vertices[0] || got[1] != m.Vertices[21] {
		t.Errorf("%d vertices, %v", len(got), got[:2])
	}
}

func TestErrors(t *testing.T) {
	line := &mesh.Mesh{Vertices: []mesh.Vec3{{0}, {1}, {2}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	point := &mesh.Mesh{Vertices: []mesh.Vec3{{4}}, Corners: []int32{0, 0, 0}, Starts: []int32{0, 3}}
	bad := mesh.Clone(mesh.Cube())
	bad.Vertices[0][1] = math.NaN()
	outside := mesh.Clone(mesh.Cube())
	outside.Corners[0] = 99
	huge := mesh.Transformed(mesh.Cube(), mesh.Transform{Scale: 1e300}.Matrix())
	widest := mesh.Transformed(mesh.Cube(), mesh.Transform{Scale: math.MaxFloat64}.Matrix())
	for name, c := range map[string]struct {
		m    *mesh.Mesh
		want error
	}{
		"no faces": {&mesh.Mesh{}, mesh.ErrEmpty}, "line": {line, mesh.ErrNoArea}, "point": {point, mesh.ErrNoArea},
		"NaN": {bad, mesh.ErrNotFinite}, "no such vertex": {outside, mesh.ErrFace}, "widest": {widest, mesh.ErrNotFinite},
	} {
		if _, err := Surfaces(c.m, mesh.Cube(), Options{Samples: 10}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := Surfaces(mesh.Cube(), c.m, Options{Samples: 10}); !errors.Is(err, c.want) {
			t.Errorf("%s as the reference: %v, want %v", name, err, c.want)
		}
	}
	if _, err := Surfaces(huge, mesh.Cube(), Options{Samples: 10}); !errors.Is(err, mesh.ErrNotFinite) {
		t.Errorf("sizes 10^300 apart: %v", err)
	}
}
