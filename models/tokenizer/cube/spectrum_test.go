package cube

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu/ops/gray"
)

// TestLevelsNearTheBest fits levels to a normal variable. Their error is near that of the best
// quantiser there is, and equal to that of rounding one by one.
//
// Source: Max, "Quantizing for minimum distortion", 1960, table I.
func TestLevelsNearTheBest(t *testing.T) {
	var k coefficient
	const n = 1 << 14
	for i := range n {
		k.values = append(k.values, 3+2*math.Sqrt2*math.Erfinv((2*float64(i)+1)/n-1))
	}
	k.look(evenLevels)
	if math.Abs(k.mean-3) > 1e-9 || math.Abs(k.square-4) > 1e-2 {
		t.Fatalf("mean %g, mean square %g", k.mean, k.square)
	}
	for b, best := range []float64{1, 0.3634, 0.1175, 0.03454, 0.009497} {
		d := k.best[b].distortion / k.square
		if d < 0.99*best || d > 1.2*best {
			t.Errorf("%d bits: %.4f of the variance is lost, %.4f by the best quantiser", b, d, best)
		}
		if b == 0 {
			continue
		}
		l, sum := float64(int(1)<<b), 0.0
		for _, v := range k.values {
			q := min(max(math.Floor((math.Tanh(v*k.best[b].scale)+1)*l/2), 0), l-1)
			e := v - math.Atanh((2*q+1-l)/l)*k.best[b].gain
			sum += e * e
		}
		if got := sum / n; math.Abs(got-k.best[b].distortion) > 1e-6 {
			t.Errorf("%d bits: rounding loses %g, %g was said", b, got, k.best[b].distortion)
		}
	}
}

// TestShareFollowsTheSpread gives bits to coefficients of three sizes, one of which is mostly
// zero: what lies outside is worth two bits at once.
func TestShareFollowsTheSpread(t *testing.T) {
	s := make(spectrum, 6)
	for j, size := range []float64{8, 8, 2, 2, 0.01, 0.01} {
		for i := range 1000 {
			v := size * (2*float64(i)/999 - 1)
			if j == 3 && i%10 != 0 {
				v = 0
			}
			s[j].values = append(s[j].values, v)
		}
		s[j].look(evenLevels)
	}
	got := s.share(18)
	total := 0
	for _, b := range got {
		total += b
		if b > gray.MaxBits {
			t.Errorf("%v: more bits than a coordinate may have", got)
		}
	}
	if total != 18 || got[0] != got[1] || got[0] <= got[2] || got[2] < 1 || got[3] < 2 || got[4]+got[5] != 0 {
		t.Errorf("18 bits were given as %v", got)
	}
}
