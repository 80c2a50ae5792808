package codebook

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

type shape struct{ n, d, v int }

// The last needs more than one block of rows.
var shapes = []shape{{1, 2, 1}, {17, 8, 100}, {40, 34, 33}, {300, 4, 9001}}

// scores returns what a row compares, the larger the nearer, with its error bound.
func scores(s shape, x, codes []float64, cosine bool) (score, bound []float64) {
	for t := range s.v {
		var dot, mag, square float64
		for c, e := range codes[t*s.d : (t+1)*s.d] {
			dot += x[c] * e
			mag += math.Abs(x[c] * e)
			square += e * e
		}
		switch {
		case !cosine:
			score, bound = append(score, dot-square/2), append(bound, float64(s.d+4)*gputest.Eps*(mag+square))
		case square == 0:
			score, bound = append(score, 0), append(bound, 0)
		default:
			score, bound = append(score, dot/math.Sqrt(square)), append(bound, float64(2*s.d+8)*gputest.Eps*mag/math.Sqrt(square))
		}
	}
	return score, bound
}

func nearest(t *testing.T, dev *gpu.Device, s shape, x, codes []float32, cosine bool) []int32 {
	t.Helper()
	ids := gputest.I32(t, dev, make([]int32, s.n), s.n)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Nearest(r, NearestArgs{X: gputest.F32(t, dev, x, s.n, s.d), Codes: gputest.F32(t, dev, codes, s.v, s.d), IDs: ids, Cosine: cosine})
	})
	got, err := ids.I32()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestNearest(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			for _, cosine := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v/cosine=%v", s, cosine), func(t *testing.T) { testNearest(t, dev, s, cosine) })
			}
		}
	})
}

// testNearest lets an id differ from the oracle's only within both codes' bounds.
func testNearest(t *testing.T, dev *gpu.Device, s shape, cosine bool) {
	x, codes := gputest.Normal(1, s.n*s.d), gputest.Normal(2, s.v*s.d)
	for i, id := range nearest(t, dev, s, x, codes, cosine) {
		if id < 0 || int(id) >= s.v {
			t.Fatalf("row %d: id %d", i, id)
		}
		score, bound := scores(s, optest.Wide(x[i*s.d:(i+1)*s.d]), optest.Wide(codes), cosine)
		for k, v := range score {
			if !(v-score[id] <= bound[k]+bound[id]) {
				t.Fatalf("row %d: code %d at %g, but %d is at %g", i, id, score[id], k, v)
			}
		}
	}
}

func TestNearestTies(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{3, 2, 40}
		codes := make([]float32, s.v*s.d) // all alike, but 7 and 23, and of those the first is to win
		for i := range s.v {
			codes[2*i], codes[2*i+1] = -1, -1
		}
		copy(codes[14:], []float32{2, 1})
		copy(codes[46:], []float32{2, 1})
		for _, cosine := range []bool{false, true} {
			for i, id := range nearest(t, dev, s, []float32{2, 1, -3, -3, 4, 3}, codes, cosine) {
				if want := []int32{7, 0, 7}[i]; id != want {
					t.Errorf("cosine=%v: row %d: id %d, want %d", cosine, i, id, want)
				}
			}
		}
		// A code of zeros has cosine 0: nearer than one that points away.
		if id := nearest(t, dev, shape{1, 2, 2}, []float32{1, 1}, []float32{-1, -1, 0, 0}, true); id[0] != 1 {
			t.Errorf("zeros: id %d", id[0])
		}
	})
}

func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{12, 16, 200}
		x, codes := gputest.Normal(1, s.n*s.d), gputest.Normal(2, s.v*s.d)
		optest.SameRows(t, s.n, 1, func(m int) []float32 {
			var out []float32
			for _, id := range nearest(t, dev, shape{m, s.d, s.v}, x[:m*s.d], codes, false) {
				out = append(out, float32(id))
			}
			return out
		})
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, odd := gputest.F32(t, dev, make([]float32, 12), 3, 4), gputest.F32(t, dev, make([]float32, 9), 3, 3)
		ids := gputest.I32(t, dev, make([]int32, 3), 3)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":   func(r *gpu.Recorder) { Nearest(r, NearestArgs{Codes: x, IDs: ids}) },
			"odd":   func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: odd, Codes: odd, IDs: ids}) },
			"codes": func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: x, Codes: odd, IDs: ids}) },
			"ids":   func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: x, Codes: x, IDs: x}) },
		})
	})
}

func BenchmarkCodebook(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	s := shape{1024, 8, 16384}
	x, codes := gputest.F32(b, dev, gputest.Normal(1, s.n*s.d), s.n, s.d), gputest.F32(b, dev, gputest.Normal(2, s.v*s.d), s.v, s.d)
	ids := gputest.I32(b, dev, make([]int32, s.n), s.n)
	name := fmt.Sprintf("rows=%d/cols=%d/codes=%d", s.n, s.d, s.v)
	b.Run("nearest/"+name, func(b *testing.B) { // the products are written and read once
		optest.Bench(b, dev, 8*s.n*s.v, s.n, func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: x, Codes: codes, IDs: ids}) })
		b.ReportMetric(float64(2*s.n*s.d*s.v)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	})
}
