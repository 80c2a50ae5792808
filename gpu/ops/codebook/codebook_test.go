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

func TestEMA(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range []shape{{1, 1, 1}, {100, 33, 7}, {77, 300, 20}, {1000, 8, 3}} {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { testEMA(t, dev, s) })
		}
	})
}

func testEMA(t *testing.T, dev *gpu.Device, s shape) {
	const decay, eps = float32(0.9), float32(1e-3)
	x, sum, ids := gputest.Normal(1, s.n*s.d), gputest.Normal(2, s.v*s.d), make([]int32, s.n)
	count := make([]float32, s.v)
	for i := range count {
		count[i] = float32(i % 3)
	}
	for i := range ids {
		ids[i] = int32((i*i+i/7)%(s.v+1)) - 1 // -1 moves nothing
	}
	g, h := float64(decay), 1-float64(decay)
	wantCount, wantSum, mag := optest.Wide(count), optest.Wide(sum), make([]float64, len(sum))
	for i := range wantSum {
		wantSum[i] *= g
		mag[i] = math.Abs(wantSum[i])
	}
	for i := range wantCount {
		wantCount[i] *= g
	}
	for r, id := range ids {
		if id < 0 {
			continue
		}
		wantCount[id] += h
		for c := range s.d {
			wantSum[int(id)*s.d+c] += h * float64(x[r*s.d+c])
			mag[int(id)*s.d+c] += h * math.Abs(float64(x[r*s.d+c]))
		}
	}
	var total float64
	for _, c := range wantCount {
		total += c
	}
	codes, bound, boundCount := make([]float64, len(sum)), make([]float64, len(sum)), make([]float64, s.v)
	terms := float64(s.n+s.v+12) * gputest.Eps * 2 // 1 - decay is rounded too, ten times its size
	for i := range codes {
		n := (wantCount[i/s.d] + float64(eps)) * total / (total + float64(s.v)*float64(eps))
		if codes[i], bound[i] = wantSum[i]/n, 3*terms*mag[i]/n; total == 0 {
			codes[i], bound[i] = float64(sum[i]), 0
		}
		mag[i] *= terms
	}
	for i, c := range wantCount {
		boundCount[i] = 16 * gputest.Eps * (c + 1)
	}
	a := EMAArgs{
		X: gputest.F32(t, dev, x, s.n, s.d), IDs: gputest.I32(t, dev, ids, s.n), Count: gputest.F32(t, dev, count, s.v),
		Sum: gputest.F32(t, dev, sum, s.v, s.d), Codes: gputest.F32(t, dev, sum, s.v, s.d), Decay: decay, Eps: eps,
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) { EMA(r, a) })
	gputest.Close(t, "count", gputest.Read(t, a.Count), wantCount, boundCount)
	gputest.Close(t, "sum", gputest.Read(t, a.Sum), wantSum, mag)
	gputest.Close(t, "codes", gputest.Read(t, a.Codes), codes, bound)
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, odd := gputest.F32(t, dev, make([]float32, 12), 3, 4), gputest.F32(t, dev, make([]float32, 9), 3, 3)
		ids := gputest.I32(t, dev, make([]int32, 3), 3)
		good := EMAArgs{X: x, IDs: ids, Count: x.View(0, 3), Sum: x, Codes: x}
		fast, short := good, good
		fast.Decay, short.Count = 2, x.View(0, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":   func(r *gpu.Recorder) { Nearest(r, NearestArgs{Codes: x, IDs: ids}) },
			"odd":   func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: odd, Codes: odd, IDs: ids}) },
			"codes": func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: x, Codes: odd, IDs: ids}) },
			"ids":   func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: x, Codes: x, IDs: x}) },
			"decay": func(r *gpu.Recorder) { EMA(r, fast) },
			"count": func(r *gpu.Recorder) { EMA(r, short) },
		})
	})
}

func BenchmarkCodebook(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	s := shape{1024, 8, 16384}
	x, codes := gputest.F32(b, dev, gputest.Normal(1, s.n*s.d), s.n, s.d), gputest.F32(b, dev, gputest.Normal(2, s.v*s.d), s.v, s.d)
	ids, count := gputest.I32(b, dev, make([]int32, s.n), s.n), gputest.F32(b, dev, make([]float32, s.v), s.v)
	sum := gputest.F32(b, dev, gputest.Normal(2, s.v*s.d), s.v, s.d)
	name := fmt.Sprintf("rows=%d/cols=%d/codes=%d", s.n, s.d, s.v)
	b.Run("nearest/"+name, func(b *testing.B) { // the products are written and read once
		optest.Bench(b, dev, 8*s.n*s.v, s.n, func(r *gpu.Recorder) { Nearest(r, NearestArgs{X: x, Codes: codes, IDs: ids}) })
		b.ReportMetric(float64(2*s.n*s.d*s.v)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	})
	b.Run("ema/"+name, func(b *testing.B) { // every code reads every id
		optest.Bench(b, dev, 4*s.n*s.v, s.n, func(r *gpu.Recorder) {
			EMA(r, EMAArgs{X: x, IDs: ids, Count: count, Sum: sum, Codes: codes, Decay: 0.99})
		})
	})
}
