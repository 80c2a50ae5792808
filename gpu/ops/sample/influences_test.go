package sample

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// influencesOf is the oracle, in float64.
func influencesOf(x []float32, lo, hi, k, kind int) (candidates []int, shares []float64) {
	for i := lo; i < hi; i++ {
		candidates = append(candidates, i)
	}
	at := func(i int) float64 { return float64(x[i*k+kind]) }
	slices.SortStableFunc(candidates, func(a, b int) int {
		switch {
		case at(a) > at(b):
			return -1
		case at(a) < at(b):
			return 1
		}
		return 0
	})
	candidates = candidates[:min(len(candidates), MostInfluences)]
	sum := 0.0
	for _, c := range candidates {
		shares = append(shares, math.Exp(at(c)-at(candidates[0])))
		sum += shares[len(shares)-1]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return candidates, shares
}

// TestInfluences compares with sorted logits. Among the rows are one with equal logits, one
// with two candidates, one with a single one, one without any, and one that draws nothing.
func TestInfluences(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const m, c, k = 37, 21, 2
		x := gputest.Normal(7, m*c*k)
		for i := range x {
			x[i] *= 3
		}
		for i := range c {
			x[(2*c+i)*k], x[(2*c+i)*k+1] = 1, 1
		}
		x[(8*c+5)*k], x[(8*c+5)*k+1] = 200, 200 // the others' shares round to 0
		lo, hi := slices.Repeat([]int32{0}, m), slices.Repeat([]int32{c}, m)
		lo[1], lo[3], lo[4], hi[4], lo[5], hi[5], lo[6], hi[6] = 1, 19, 7, 8, 9, 9, 3, 15
		var draw []int32
		for i := range m {
			active := int32(1)
			if i == 7 {
				active = 0
			}
			draw = append(draw, 1, 2, 3, int32(i), lo[i], hi[i], 0, active)
		}
		logits, rows := gputest.F32(t, dev, x, m, c, k), gputest.U32(t, dev, draw, m, DrawWords)
		for kind := range k {
			out := gputest.F32(t, dev, slices.Repeat([]float32{-1}, m*MostInfluences), m, MostInfluences)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Influences(r, InfluencesArgs{Logits: logits, Draw: rows, Out: out.As(tensor.U32), Kind: kind, Candidates: c})
			})
			got := gputest.Read(t, out)
			for i := range m {
				row := got[i*MostInfluences : (i+1)*MostInfluences]
				if i == 7 {
					if !slices.Equal(row, []float32{-1, -1, -1, -1}) {
						t.Errorf("kind %d: a row that draws nothing wrote %v", kind, row)
					}
					continue
				}
				candidates, shares := influencesOf(x[i*c*k:(i+1)*c*k], int(lo[i]), int(hi[i]), k, kind)
				sum := 0.0
				for j, y := range row {
					candidate, share, ok := UnpackInfluence(y)
					sum += share
					if want := j < len(shares) && math.Round(shares[j]*(influenceScale-1)) > 0; ok != want && (!want || shares[j] > 2.0/influenceScale) {
						t.Errorf("kind %d, row %d: %v, want %v %v", kind, i, row, candidates, shares)
						break
					}
					// Half a part of rounding, and for the largest that of all others.
					if tolerance := 2.5 / (influenceScale - 1); ok && (candidate != candidates[j] || !(math.Abs(share-shares[j]) <= tolerance)) {
						t.Errorf("kind %d, row %d, place %d: %d with %g, want %d with %g", kind, i, j, candidate, share, candidates[j], shares[j])
					}
				}
				if want := min(float64(len(shares)), 1); !(math.Abs(sum-want) < 1e-9) {
					t.Errorf("kind %d, row %d: shares sum to %g", kind, i, sum)
				}
			}
		}
		for _, bad := range []InfluencesArgs{
			{Logits: logits, Draw: rows, Out: rows, Candidates: c},
			{Logits: logits, Draw: rows, Out: gputest.U32(t, dev, make([]int32, m*4), m, 4), Candidates: c, Kind: k},
			{Logits: logits, Draw: rows, Out: rows, Candidates: 0},
		} {
			r := dev.NewRecorder()
			Influences(r, bad)
			if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

// TestPackInfluence packs what fits into 24 bits and refuses other numbers.
func TestPackInfluence(t *testing.T) {
	for _, candidate := range []int{0, 1, 63, maxCandidates - 1} {
		for _, share := range []float64{1, 0.5, 1.0 / 4095} {
			c, s, ok := UnpackInfluence(PackInfluence(candidate, share))
			if !ok || c != candidate || !(math.Abs(s-share) <= 0.5/4095) {
				t.Errorf("%d with %g came back as %d with %g, %t", candidate, share, c, s, ok)
			}
		}
	}
	for _, x := range []float32{0, -1, 0.5, 4096, 1 << 23, float32(math.NaN()), float32(math.Inf(1))} {
		if _, _, ok := UnpackInfluence(x); ok {
			t.Errorf("%g is taken", x)
		}
	}
	if PackInfluence(3, 0.0001) != 0 {
		t.Error("a share that rounds to 0 is kept")
	}
}
