package sample

import (
	"errors"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestCombineMatchesOracle joins three draws of three directions: one with all of them and
// guidance, one of a single direction at scale 1, one without a second branch.
func TestCombineMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const m, v = 3, 41
		x := gputest.Normal(1, 2*m*v)
		picks := []int32{ // by direction: three draws, and their other branches
			0, -1, 4, 9, -1, -1,
			1, 3, 5, 8, 6, -1,
			2, -1, -1, 7, -1, -1,
		}
		scale := []float32{2.5, 1, 7}
		counts := []float64{3, 1, 2, 3, 1, 0}
		out, err := dev.NewTensor(tensor.F32, m, v)
		if err != nil {
			t.Fatal(err)
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Combine(r, CombineArgs{
				X: gputest.F32(t, dev, x, 2*m, v), Picks: gputest.I32(t, dev, picks, 3, 2*m), Scale: gputest.F32(t, dev, scale, m), Out: out,
			})
		})
		got, err := out.F32()
		if err != nil {
			t.Fatal(err)
		}
		for i := range m * v {
			row := i / v
			want := float64(x[i]) / counts[row]
			slack := math.Abs(want)
			if counts[m+row] > 0 && scale[row] != 1 {
				u := float64(x[m*v+i]) / counts[m+row]
				slack += float64(scale[row]) * (math.Abs(u) + math.Abs(want))
				want = u + float64(scale[row])*(want-u)
			}
			if d := math.Abs(float64(got[i]) - want); d > 8*slack/(1<<24) {
				t.Fatalf("draw %d: logit %d is %g, want %g", row, i%v, got[i], want)
			}
			if row == 1 && got[i] != x[i] {
				t.Fatalf("at scale 1 logit %d changed: %g, was %g", i%v, got[i], x[i])
			}
		}
		testBranches(t, dev)
		r := dev.NewRecorder()
		Combine(r, CombineArgs{X: gputest.F32(t, dev, x, 2*m, v), Scale: gputest.F32(t, dev, scale, m), Out: out})
		if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("without picks: %v", err)
		}
	})
}

// testBranches joins three branches of a direction each: with both scales, with one of 1,
// with both of 1, and where there is only the first.
func testBranches(t *testing.T, dev *gpu.Device) {
	const m, v, n = 5, 33, 3
	x := gputest.Normal(7, n*m*v)
	picks := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, -1, 9, 10, 11, 12, -1}
	scale := []float32{3, 1, 2.5, 1, 4, 1.5, 2, 1, 1, 5}
	out, err := dev.NewTensor(tensor.F32, m, v)
	if err != nil {
		t.Fatal(err)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Combine(r, CombineArgs{X: gputest.F32(t, dev, x, n*m, v), Picks: gputest.I32(t, dev, picks, n*m), Scale: gputest.F32(t, dev, scale, n-1, m), Out: out})
	})
	for i, got := range gputest.Read(t, out) {
		row := i / v
		a, b, c := float64(x[i]), float64(x[m*v+i]), float64(x[2*m*v+i])
		want, slack := a, 0.
		if row < 3 {
			s, more := float64(scale[row]), float64(scale[m+row])
			want = c + s*(a-b) + more*(b-c)
			slack = 16 * (math.Abs(c) + s*(math.Abs(a)+math.Abs(b)) + more*(math.Abs(b)+math.Abs(c))) / (1 << 24)
		}
		if !(math.Abs(float64(got)-want) <= slack) {
			t.Fatalf("draw %d of three branches: logit %d is %g, want %g", row, i%v, got, want)
		}
	}
}
