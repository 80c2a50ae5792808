package mesh

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestNormalizeAndBack(t *testing.T) {
	m := Transformed(Box(Vec3{0, 0, 0}, Vec3{1, 2, 4}), Transform{Scale: 3, Offset: Vec3{100, -20, 7}}.Matrix())
	out, to, back, err := Normalize(m, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := Bounds(out)
	want := Vec3{0.95 / 4, 0.95 / 2, 0.95}
	for i := range 3 {
		if !near(lo[i], -want[i], 1e-12) || !near(hi[i], want[i], 1e-12) || hi[i] > 0.95 || lo[i] < -0.95 {
			t.Fatalf("bounds %v %v, want ±%v", lo, hi, want)
		}
	}
	for v, p := range m.Vertices {
		if d := back.Apply(out.Vertices[v]).Sub(p).Len(); d > 1e-12 {
			t.Fatalf("vertex %d comes back %g away", v, d)
		}
		if d := to.Apply(p).Sub(out.Vertices[v]).Len(); d > 1e-12 {
			t.Fatalf("vertex %d is mapped %g away", v, d)
		}
		if d := to.Inverse().Apply(to.Apply(p)).Sub(p).Len(); d > 1e-12 {
			t.Fatalf("vertex %d: inverse is %g off", v, d)
		}
	}
}

func TestNormalizeErrors(t *testing.T) {
	point := &Mesh{Vertices: []Vec3{{5, 5, 5}}}
	point.appendFace([]int32{0, 0, 0})
	if out, _, _, err := Normalize(point, 1); err != nil || out.Vertices[0] != (Vec3{}) {
		t.Errorf("a point: %v, %v", out, err)
	}
	if _, _, _, err := Normalize(&Mesh{}, 1); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.MaxFloat64} {
		if _, _, _, err := Normalize(outline(Vec3{x}, Vec3{-1, 1}, Vec3{-math.MaxFloat64}), 1); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%g: %v", x, err)
		}
	}
	if _, _, _, err := Normalize(outline(Vec3{0}, Vec3{5e-324}, Vec3{0}), 1); !errors.Is(err, ErrNotFinite) {
		t.Errorf("too narrow: %v", err)
	}
}

// TestNormalizeStaysInside tries boxes whose ends land a rounding error outside
// if they are only scaled.
func TestNormalizeStaysInside(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 1))
	for range 2000 {
		lo := Vec3{random.NormFloat64(), random.NormFloat64(), random.NormFloat64()}
		m := Box(lo, lo.Add(Vec3{random.Float64(), random.Float64(), random.Float64()}))
		out, _, _, err := Normalize(m, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		low, high := Bounds(out)
		if least, most := min(low[0], low[1], low[2]), max(high[0], high[1], high[2]); least < -0.95 || most > 0.95 || most < 0.95-1e-12 {
			t.Fatalf("bounds %v %v", low, high)
		}
	}
}
