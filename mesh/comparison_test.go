package mesh

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// bruteNearest is the oracle: the lowest index among the nearest.
func bruteNearest(points []Vec3, p Vec3) (index int32, distance float64) {
	index, distance = -1, math.Inf(1)
	for i, q := range points {
		if d := q.Sub(p).Len(); d < distance {
			index, distance = int32(i), d
		}
	}
	return index, distance
}

func TestNearestAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 1))
	for _, n := range []int{0, 1, 2, 8, 9, 100, 3000} {
		for _, levels := range []float64{3, 1e9} { // few levels make many equal points
			points := make([]Vec3, n)
			for i := range points {
				for a := range 3 {
					points[i][a] = math.Floor(random.Float64()*levels) / levels
				}
			}
			index := NewPointIndex(points)
			for range 200 {
				p := Vec3{random.Float64()*3 - 1, random.Float64()*3 - 1, math.Floor(random.Float64()*levels) / levels}
				gotID, got := index.Nearest(p)
				wantID, want := bruteNearest(points, p)
				if gotID != wantID || got != want {
					t.Fatalf("%d points: %d at %g, want %d at %g", n, gotID, got, wantID, want)
				}
			}
		}
	}
}

// TestCompareByHand has P = {0, 4} and Q = {1, 4, 10} on a line:
// d(P,Q) = 1, 0 and d(Q,P) = 1, 0, 6.
func TestCompareByHand(t *testing.T) {
	up, down := Vec3{0, 0, 1}, Vec3{0, 0, -1}
	c, err := Compare(
		Cloud{[]Vec3{{0}, {4}}, []Vec3{up, up}},
		Cloud{[]Vec3{{1}, {4}, {10}}, []Vec3{down, up, up}},
	)
	if err != nil {
		t.Fatal(err)
	}
	f, precision, recall := c.FScore(1.5)
	signed, absolute := c.NormalConsistency()
	fStrict, _, _ := c.FScore(1)
	for name, pair := range map[string][2]float64{
		"Chamfer L1":  {c.ChamferL1(), (0.5 + 7.0/3) / 2},
		"Chamfer L2":  {c.ChamferL2(), 0.5 + 37.0/3},
		"Hausdorff":   {c.Hausdorff(), 6},
		"precision":   {precision, 1},
		"recall":      {recall, 2.0 / 3},
		"F":           {f, 0.8},
		"F, strictly": {fStrict, 2 * 0.5 * (1.0 / 3) / (0.5 + 1.0/3)},
		"signed":      {signed, (0 + 1.0/3) / 2},
		"absolute":    {absolute, 1},
	} {
		if !near(pair[0], pair[1], 1e-12) {
			t.Errorf("%s: %g, want %g", name, pair[0], pair[1])
		}
	}
}

// TestCompareSpheres has distances that are known: concentric spheres are 0.1
// apart everywhere.
func TestCompareSpheres(t *testing.T) {
	clouds := make([]Cloud, 2)
	for i, r := range []float64{1, 1.1} {
		m := Transformed(QuadSphere(60), Transform{Scale: r}.Matrix())
		clouds[i].Points, clouds[i].Normals, _ = SampleSurface(m, 20000, uint64(i))
	}
	c, err := Compare(clouds[0], clouds[1])
	if err != nil {
		t.Fatal(err)
	}
	// The nearest sample lies a little aside: mean squared spacing is about 4/20000.
	if !near(c.ChamferL1(), 0.1, 0.003) || !near(c.ChamferL2(), 0.02, 0.001) || !near(c.Hausdorff(), 0.1, 0.01) {
		t.Errorf("%g %g %g", c.ChamferL1(), c.ChamferL2(), c.Hausdorff())
	}
	if f, _, _ := c.FScore(0.09); f != 0 {
		t.Errorf("F(0.09) = %g, want 0", f)
	}
	if f, _, _ := c.FScore(0.12); f != 1 {
		t.Errorf("F(0.12) = %g, want 1", f)
	}
	if s, a := c.NormalConsistency(); s < 0.99 || a < s {
		t.Errorf("normals agree to %g, %g", s, a)
	}
}

func TestCompareErrors(t *testing.T) {
	one := Cloud{Points: []Vec3{{0}}}
	for name, c := range map[string]struct {
		cloud Cloud
		want  error
	}{
		"empty":       {Cloud{}, ErrCloud},
		"normals":     {Cloud{Points: make([]Vec3, 2), Normals: make([]Vec3, 1)}, ErrCloud},
		"NaN":         {Cloud{Points: []Vec3{{math.NaN()}}}, ErrNotFinite},
		"too far out": {Cloud{Points: []Vec3{{1e200}}}, ErrNotFinite},
	} {
		if _, err := Compare(one, c.cloud); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := Compare(c.cloud, one); !errors.Is(err, c.want) {
			t.Errorf("%s, first: %v, want %v", name, err, c.want)
		}
	}
	c, err := Compare(one, one)
	if err != nil {
		t.Fatal(err)
	}
	if s, a := c.NormalConsistency(); s != 0 || a != 0 {
		t.Errorf("without normals: %g, %g", s, a)
	}
}

func ExampleCompare() {
	var p, q Cloud
	p.Points, p.Normals, _ = SampleSurface(Cube(), 10_000, 1)
	q.Points, q.Normals, _ = SampleSurface(QuadSphere(20), 10_000, 2)
	c, err := Compare(p, q)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("Chamfer L1 %.2f, Hausdorff %.2f\n", c.ChamferL1(), c.Hausdorff())
	// Output:
	// Chamfer L1 0.23, Hausdorff 0.73
}

func BenchmarkCompare(b *testing.B) {
	var p, q Cloud
	p.Points, p.Normals, _ = SampleSurface(QuadSphere(30), 100_000, 1)
	q.Points, q.Normals, _ = SampleSurface(Torus(60, 40, 1, 0.4), 100_000, 2)
	for b.Loop() {
		if _, err := Compare(p, q); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2e5*float64(b.N)/b.Elapsed().Seconds(), "queries/s")
}
