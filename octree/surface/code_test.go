package surface

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func TestCodeLayout(t *testing.T) {
	for _, c := range []struct {
		code Code
		bits uint32
	}{
		{Code{Signs: 0b1000_0001}, 0x81000000},
		{Code{Octant: 0x5a}, 0x5a},
		{Code{Thin: true}, 0x100},
		{Code{X: 16}, 0b100 << 21},
		{Code{Y: 16}, 0b010 << 21},
		{Code{Z: 1}, 1 << 9},
		{Code{X: 31, Y: 31, Z: 31}, 0x00fffe00},
	} {
		if got := c.code.Bits(); got != c.bits {
			t.Errorf("%+v packs to %08x, want %08x", c.code, got, c.bits)
		}
	}
}

func TestEveryBitPatternIsACode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 1 << 18 {
		bits := r.Uint32()
		if i < 32 {
			bits = 1 << i
		}
		c := FromBits(bits)
		if c.Bits() != bits || FromTokens(c.Tokens()) != c {
			t.Fatalf("%08x comes back as %08x", bits, c.Bits())
		}
		for _, x := range c.Offset() {
			if x <= 0 || x >= 1 {
				t.Fatalf("%08x: offset %v", bits, c.Offset())
			}
		}
		if l := c.Normal().Len(); math.Abs(l-1) > 1e-12 {
			t.Fatalf("%08x: normal of length %v", bits, l)
		}
	}
}

func TestOffsetIsNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		var c Code
		p := mesh.Vec3{r.Float64(), r.Float64(), r.Float64()}
		c.setOffset(p)
		for a, x := range c.Offset() {
			if math.Abs(x-p[a]) > 1.0/64+1e-12 {
				t.Fatalf("%v is placed at %v", p, c.Offset())
			}
		}
	}
	var c Code
	c.setOffset(mesh.Vec3{-3, 1, 7})
	if c.X != 0 || c.Y != 31 || c.Z != 31 {
		t.Errorf("outside is clamped to %d %d %d", c.X, c.Y, c.Z)
	}
}

func TestNormals(t *testing.T) {
	for a := range 3 {
		for _, sign := range []float64{1, -1} {
			var n mesh.Vec3
			n[a] = sign
			if got := (Code{Octant: QuantizeNormal(n)}).Normal(); got != n {
				t.Errorf("axis %v comes back as %v", n, got)
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 3))
	worst, sum, count := 0.0, 0.0, 20000
	for range count {
		n := mesh.Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}.Unit()
		got := (Code{Octant: QuantizeNormal(n)}).Normal()
		angle := math.Acos(min(1, got.Dot(n))) * 180 / math.Pi
		worst, sum = max(worst, angle), sum+angle
	}
	t.Logf("mean angle %.2f degrees, worst %.2f", sum/float64(count), worst)
	if worst > 12 || sum/float64(count) > 6 {
		t.Errorf("mean angle %.2f degrees, worst %.2f", sum/float64(count), worst)
	}
}
