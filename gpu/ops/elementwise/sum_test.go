package elementwise

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

func TestSum(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, n := range []int{1, 2, 17, 4096, 4097, 12_289, 5_000_001} {
			t.Run(fmt.Sprint("n=", n), func(t *testing.T) { testSum(t, dev, n) })
		}
	})
}

func testSum(t *testing.T, dev *gpu.Device, n int) {
	x := gputest.Normal(1, n)
	var sum, mag, squares float64
	for _, v := range optest.Wide(x) {
		sum += v
		mag += math.Abs(v)
		squares += v * v
	}
	tx, out := gputest.F32(t, dev, x, n), gputest.F32(t, dev, make([]float32, 3), 3)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Sum(r, SumArgs{X: tx, Out: out.View(0, 1)})
		Sum(r, SumArgs{X: tx, Out: out.View(1, 1), Scale: -0.3})
		Sum(r, SumArgs{X: tx, Out: out.View(2, 1), Square: true, Root: true})
	})
	w := float64(dev.SubgroupWidth())
	c := (float64(n)/(1024*w) + 4096/w + 32) * gputest.Eps
	gputest.Close(t, "sums", gputest.Read(t, out), []float64{sum, float64(float32(-0.3)) * sum, math.Sqrt(squares)}, []float64{c * mag, 0.3 * c * mag, c * math.Sqrt(squares)})
}

func TestSumShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":  func(r *gpu.Recorder) { Sum(r, SumArgs{Out: x.View(0, 1)}) },
			"out":  func(r *gpu.Recorder) { Sum(r, SumArgs{X: x, Out: x.View(0, 2)}) },
			"type": func(r *gpu.Recorder) { Sum(r, SumArgs{X: gputest.I32(t, dev, []int32{1}, 1), Out: x.View(0, 1)}) },
		})
	})
}

func BenchmarkSum(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n = 1 << 22
	x, out := gputest.F32(b, dev, gputest.Normal(1, n), n), gputest.F32(b, dev, []float32{0}, 1)
	b.Run(fmt.Sprintf("elements=%d", n), func(b *testing.B) {
		optest.Bench(b, dev, 4*n, n, func(r *gpu.Recorder) { Sum(r, SumArgs{X: x, Out: out}) })
	})
}
