package compare_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
)

func stretched(t testing.TB, x, y, z float64, seed uint64) *compare.Cloud {
	t.Helper()
	c, err := compare.NewCloud(mesh.Transformed(mesh.QuadSphere(6), mesh.Matrix{x, 0, 0, 3, 0, y, 0, -1, 0, 0, z, 7, 0, 0, 0, 1}), 512, seed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChamferOfCuboids compares two boxes whose distance follows from their sides: size and
// place do not count.
func TestChamferOfCuboids(t *testing.T) {
	a, b := stretched(t, 2, 2, 2, 1), stretched(t, 5, 5, 5, 1)
	if d := a.Chamfer(b); d > 1e-9 {
		t.Errorf("a ball and a larger one are %g apart", d)
	}
	flat := func(z float64) *mesh.Mesh { // a square sheet, and one whose halves are at two heights
		m := &mesh.Mesh{}
		for _, p := range []mesh.Vec3{{0, 0, 0}, {1, 0, 0}, {1, 1, z}, {0, 1, z}} {
			m.AddVertex(p)
		}
		if err := m.AddFace(0, 1, 2, 3); err != nil {
			t.Fatal(err)
		}
		return m
	}
	var both [2]*compare.Cloud
	for i, z := range []float64{0, 0.5} {
		c, err := compare.NewCloud(flat(z), 8192, 1)
		if err != nil {
			t.Fatal(err)
		}
		both[i] = c
	}
	// The plane z = (y-1/2)/2 and the sheet z = 0 cross at a slope of 1/2. The nearest place of
	// the sheet is (y-1/2)/2 below: its mean square is 1/48. The nearest place of the plane is
	// nearer by the cosine, 1/48·4/5, but near the plane's ends, where it is a little further.
	got, want := both[0].Chamfer(both[1]), 1.0/48+1.0/60
	if math.Abs(got-want) > 0.05*want {
		t.Errorf("two planes are %.4f apart, about %.4f is right", got, want)
	}
}

// TestSets compares sets whose measures follow from how they are made.
func TestSets(t *testing.T) {
	var balls, more, rods, plates []*compare.Cloud
	for i := range 6 {
		s := 1 + 0.05*float64(i)
		balls = append(balls, stretched(t, 1, s, s, uint64(i)))
		more = append(more, stretched(t, 1, s, s, uint64(i+100)))
		rods = append(rods, stretched(t, 4, s, s, uint64(i)))
		plates = append(plates, stretched(t, 4*s, 4, 1, uint64(i)))
	}
	for name, c := range map[string]struct {
		made, reference, known []*compare.Cloud
		coverage, accuracy     [2]float64 // bounds
		matching               [2]float64
	}{
		"equal":      {balls, balls, balls, [2]float64{1, 1}, [2]float64{0, 0}, [2]float64{0, 0}},
		"alike":      {more, balls, nil, [2]float64{0.5, 1}, [2]float64{0, 0.5}, [2]float64{1e-6, 0.01}},
		"others":     {rods, plates, balls, [2]float64{0.1, 0.4}, [2]float64{1, 1}, [2]float64{0.01, 1}},
		"one":        {rods[:1], rods, nil, [2]float64{1. / 6, 1. / 6}, [2]float64{0, 1}, [2]float64{1e-9, 0.01}},
		"both alone": {rods[:1], plates[:1], nil, [2]float64{1, 1}, [2]float64{0, 0}, [2]float64{0.01, 1}},
	} {
		r, err := compare.Sets(context.Background(), c.made, c.reference, c.known)
		if err != nil {
			t.Fatal(err)
		}
		in := func(x float64, b [2]float64) bool { return x >= b[0]-1e-9 && x <= b[1]+1e-9 }
		if !in(r.Coverage, c.coverage) || !in(r.NearestNeighbour, c.accuracy) || !in(r.MinimumMatching, c.matching) || (r.Known != nil) != (c.known != nil) {
			t.Errorf("%s: %+v", name, r)
		}
		if r.Known != nil && (name == "equal") != (r.Known.MadeMedian == 0) {
			t.Errorf("%s: %+v", name, r.Known)
		}
	}
	if _, err := compare.Sets(context.Background(), nil, balls, nil); !errors.Is(err, compare.ErrOptions) {
		t.Errorf("nothing made: %v", err)
	}
	gone, stop := context.WithCancel(context.Background())
	stop()
	if _, err := compare.Sets(gone, rods, balls, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := compare.NewCloud(&mesh.Mesh{}, 16, 1); err == nil {
		t.Error("a mesh of nothing has a cloud")
	}
}

func BenchmarkChamfer(b *testing.B) {
	m := mesh.QuadSphere(20)
	one, err := compare.NewCloud(m, compare.DefaultCloud, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		one.Chamfer(one)
	}
}
