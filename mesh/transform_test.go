package mesh

import (
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
