package elementwise

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

func TestAdd(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, n := range []int{1, 2, 63, 256, 2049, 100_000} {
			for _, place := range []string{"apart", "a", "b"} {
				for _, alpha := range []float32{0, -0.3} {
					t.Run(fmt.Sprintf("n=%d/out=%s/alpha=%g", n, place, alpha), func(t *testing.T) { testAdd(t, dev, n, place, alpha) })
				}
			}
		}
	})
}

func testAdd(t *testing.T, dev *gpu.Device, n int, place string, alpha float32) {
	x, y := gputest.Normal(1, n), gputest.Normal(2, n)
	a := AddArgs{A: gputest.F32(t, dev, x, n), B: gputest.F32(t, dev, y, n), Alpha: alpha}
	a.Out = map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, make([]float32, n), n), "a": a.A, "b": a.B}[place]
	gputest.Run(t, dev, func(r *gpu.Recorder) { Add(r, a) })
	if alpha == 0 {
		alpha = 1
	}
	want, bound := make([]float64, n), make([]float64, n)
	for i := range want {
		u, v := float64(x[i]), float64(alpha)*float64(y[i])
		want[i], bound[i] = u+v, 2*gputest.Eps*(math.Abs(u)+math.Abs(v))
	}
	gputest.Close(t, "out", gputest.Read(t, a.Out), want, bound)
}

func TestScale(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, n := range []int{1, 2, 63, 256, 2049} {
			for _, by := range []float32{0, 1, -2.7} {
				x := gputest.Normal(1, n)
				tx := gputest.F32(t, dev, x, n)
				for _, out := range []*gpu.Tensor{gputest.F32(t, dev, x, n), tx} { // in place last
					gputest.Run(t, dev, func(r *gpu.Recorder) { Scale(r, ScaleArgs{X: tx, Out: out, By: by}) })
					want, bound := make([]float64, n), make([]float64, n)
					for i := range want {
						want[i] = float64(by) * float64(x[i])
						bound[i] = gputest.Eps * math.Abs(want[i])
					}
					gputest.Close(t, fmt.Sprintf("n=%d by=%g", n, by), gputest.Read(t, out), want, bound)
				}
			}
		}
	})
}

// TestViewsKeepTheirNeighbours writes the odd-sized middle of a tensor.
func TestViewsKeepTheirNeighbours(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, []float32{1, 2, 3, 4, 5, 6, 7}, 7)
		mid := x.View(2, 3)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Add(r, AddArgs{A: mid, B: mid, Out: mid}) })
		gputest.Close(t, "x", gputest.Read(t, x), []float64{1, 2, 6, 8, 10, 6, 7}, []float64{0})
	})
}

func TestAddShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		short := x.View(0, 11)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"add nil":   func(r *gpu.Recorder) { Add(r, AddArgs{A: x, B: x}) },
			"add b":     func(r *gpu.Recorder) { Add(r, AddArgs{A: x, B: short, Out: x}) },
			"scale out": func(r *gpu.Recorder) { Scale(r, ScaleArgs{X: x, Out: short}) },
			"scale nil": func(r *gpu.Recorder) { Scale(r, ScaleArgs{Out: short}) },
		})
	})
}

func BenchmarkAdd(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, n := range []int{768, 2048 * 768} {
		x, y := gputest.F32(b, dev, gputest.Normal(1, n), n), gputest.F32(b, dev, gputest.Normal(2, n), n)
		b.Run(fmt.Sprintf("elements=%d", n), func(b *testing.B) {
			optest.Bench(b, dev, 12*n, n, func(r *gpu.Recorder) { Add(r, AddArgs{A: x, B: y, Out: x, Alpha: 1e-9}) })
		})
	}
}
