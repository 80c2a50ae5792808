package mesh

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// turned returns a random rotation, mirrored if wanted, with a scale and shift.
func turned(random *rand.Rand, mirror bool) Matrix {
	x := Vec3{random.NormFloat64(), random.NormFloat64(), random.NormFloat64()}.Unit()
	y := x.Cross(Vec3{random.NormFloat64(), random.NormFloat64(), random.NormFloat64()}).Unit()
	z := x.Cross(y)
	if mirror {
		z = z.Scale(-1)
	}
	s := 0.1 + 10*random.Float64()
	return Matrix{
		s * x[0], s * x[1], s * x[2], 0, s * y[0], s * y[1], s * y[2], 0, s * z[0], s * z[1], s * z[2], 0,
		random.NormFloat64(), random.NormFloat64(), random.NormFloat64(), 1,
	}
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

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

func TestTransformedKeepsOutside(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 1))
	for i := range 20 {
		a := turned(random, i%2 == 0)
		m := Transformed(QuadSphere(3), a)
		if got, want := SignedVolume(m), math.Abs(a.det())*SignedVolume(QuadSphere(3)); !near(got, want, 1e-9*want) {
			t.Fatalf("volume %g, want %g", got, want)
		}
	}
}

func TestMatrixMul(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 1))
	a, b, p := turned(random, true), turned(random, false), Vec3{1, 2, 3}
	if d := a.Mul(b).Apply(p).Sub(a.Apply(b.Apply(p))).Len(); d > 1e-12 {
		t.Fatalf("%g off", d)
	}
}
