package elementwise

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

func TestColumnSum(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range [][2]int{{1, 1}, {1, 64}, {3, 33}, {64, 130}, {65, 7}, {700, 48}, {5000, 10}} {
			for _, add := range []bool{false, true} {
				t.Run(fmt.Sprintf("rows=%d/cols=%d/add=%v", s[0], s[1], add), func(t *testing.T) { testColumnSum(t, dev, s[0], s[1], add) })
			}
		}
	})
}

func testColumnSum(t *testing.T, dev *gpu.Device, n, d int, add bool) {
	x, out0 := gputest.Normal(1, n*d), gputest.Normal(2, d)
	want, bound := make([]float64, d), make([]float64, d)
	for i, v := range x {
		want[i%d] += float64(v)
		bound[i%d] += math.Abs(float64(v))
	}
	for c := range want {
		if add {
			want[c] += float64(out0[c])
			bound[c] += math.Abs(float64(out0[c]))
		}
		bound[c] *= (max(64, float64(n)/64) + 65) * gputest.Eps
	}
	out := gputest.F32(t, dev, out0, d)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		ColumnSum(r, ColumnSumArgs{X: gputest.F32(t, dev, x, n, d), Out: out, Add: add})
	})
	gputest.Close(t, "out", gputest.Read(t, out), want, bound)
}

func TestColumnSumShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil": func(r *gpu.Recorder) { ColumnSum(r, ColumnSumArgs{X: x}) },
			"out": func(r *gpu.Recorder) { ColumnSum(r, ColumnSumArgs{X: x, Out: x.View(0, 3)}) },
		})
	})
}

func BenchmarkColumnSum(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n, d = 2048, 768
	x, out := gputest.F32(b, dev, gputest.Normal(1, n*d), n, d), gputest.F32(b, dev, make([]float32, d), d)
	b.Run(fmt.Sprintf("rows=%d/cols=%d", n, d), func(b *testing.B) {
		optest.Bench(b, dev, 4*n*d, n, func(r *gpu.Recorder) { ColumnSum(r, ColumnSumArgs{X: x, Out: out}) })
	})
}
