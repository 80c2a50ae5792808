package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// TestEndPoint moves a square by (2, 1) a frame in the truth, and otherwise in the
// prediction: the error is the distance of both motions.
func TestEndPoint(t *testing.T) {
	truth := sliding(2, 64, 64, 16, 16, 2, 1)
	for _, x := range []struct{ dx, dy int }{{2, 1}, {2, 3}, {0, 0}} {
		got := sliding(2, 64, 64, 16, 16, x.dx, x.dy)
		e := EndPoint(got.Frame(1), got.Frame(0), truth.Frame(1), truth.Frame(0), 64, 64)
		want := math.Hypot(float64(x.dx-2), float64(x.dy-1))
		if x.dx == 2 && x.dy == 1 && e != 0 || math.Abs(e-want) > 0.5 { // the square fills some blocks in part
			t.Errorf("a motion of %v: %g, want about %g", x, e, want)
		}
	}
	if still := truth.Frame(0); !math.IsNaN(EndPoint(truth.Frame(1), still, still, still, 64, 64)) {
		t.Error("nothing moves, and there is an error")
	}
}

// normal returns features with independent normal elements of given deviations.
func normal(seed uint64, n int, mean, deviation [Appearance]float64) (out [][Appearance]float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		var f [Appearance]float64
		for i := range f {
			f[i] = mean[i] + deviation[i]*r.NormFloat64()
		}
		out = append(out, f)
	}
	return out
}

// TestFrechetByHand compares with the closed form for independent features: the sum of
// ((m - n)² + (s - t)²)/t² for means m, n and deviations s, t.
func TestFrechetByHand(t *testing.T) {
	var m, n, s, d [Appearance]float64
	want := 0.0
	for i := range m {
		m[i], n[i], s[i], d[i] = float64(i), float64(i)+0.5, 1+float64(i)/4, 2
		want += (0.5*0.5 + (s[i]-d[i])*(s[i]-d[i])) / (d[i] * d[i])
	}
	a, b := normal(1, 20000, m, s), normal(2, 20000, n, d)
	if got := Frechet(a, b); math.Abs(got-want) > 0.05*want {
		t.Errorf("%g, want %g", got, want)
	}
	if got := Frechet(a, a); got > 1e-9 {
		t.Errorf("a set is %g from itself", got)
	}
	if !math.IsNaN(Frechet(a[:1], b)) {
		t.Error("one example has a distribution")
	}
}

func TestFeaturesByHand(t *testing.T) {
	c := clip.New(2, 8, 8, clip.Rate{Num: 25, Den: 1})
	for i := range c.Frame(1) {
		c.Frame(1)[i] = uint8(10 + i/3%8*3) // grey: 3 brighter a column
	}
	f := Features(c, 1)
	want := [Appearance]float64{20.5, 6.8739, 0, 0, 3 * 7.0 / 8, 0, 20.5, 6.8739}
	for i := range f {
		if math.Abs(f[i]-want[i]) > 1e-3 {
			t.Errorf("feature %d: %g, want %g", i, f[i], want[i])
		}
	}
}
