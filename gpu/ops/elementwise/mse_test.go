package elementwise

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// oracleMSE also returns Σ over a row's loss terms' error magnitudes: |e|·(|x|+|y|).
func oracleMSE(n, d int, x, y, k []float64) (loss, dx, mag []float64) {
	loss, dx, mag = make([]float64, n), make([]float64, n*d), make([]float64, n)
	for i := range x {
		e := x[i] - y[i]
		loss[i/d] += k[i/d] * e * e
		dx[i] = 2 * k[i/d] * e
		mag[i/d] += math.Abs(k[i/d]*e) * (math.Abs(x[i]) + math.Abs(y[i]))
	}
	return loss, dx, mag
}

func TestOracleMSEGradient(t *testing.T) {
	const n, d = 3, 4
	x, y, k := optest.Wide(gputest.Normal(1, n*d)), optest.Wide(gputest.Normal(2, n*d)), []float64{1, 0, -0.4}
	_, dx, _ := oracleMSE(n, d, x, y, k)
	optest.Gradient(t, "dx", func() float64 {
		loss, _, _ := oracleMSE(n, d, x, y, k)
		return loss[0] + loss[1] + loss[2]
	}, x, dx)
}

func TestMSE(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range [][2]int{{1, 1}, {1, 64}, {7, 33}, {40, 130}, {2, 5000}} {
			for _, place := range []string{"none", "apart", "x", "y"} {
				t.Run(fmt.Sprintf("rows=%d/cols=%d/dx=%s", s[0], s[1], place), func(t *testing.T) { testMSE(t, dev, s[0], s[1], place) })
			}
		}
	})
}

func testMSE(t *testing.T, dev *gpu.Device, n, d int, place string) {
	x, y, rw := gputest.Normal(1, n*d), gputest.Normal(2, n*d), gputest.Normal(3, n)
	rw[n/2] = 0
	a := MSEArgs{X: gputest.F32(t, dev, x, n, d), Y: gputest.F32(t, dev, y, n, d), Loss: gputest.F32(t, dev, rw, n), Weight: 0.7, RowWeight: gputest.F32(t, dev, rw, n)}
	a.DX = map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, x, n, d), "x": a.X, "y": a.Y}[place]
	k := optest.Wide(rw)
	for i := range k {
		k[i] *= float64(a.Weight)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) { MSE(r, a) })
	loss, dx, mag := oracleMSE(n, d, optest.Wide(x), optest.Wide(y), k)
	for r := range mag {
		mag[r] *= float64(d/dev.SubgroupWidth()+16) * gputest.Eps
	}
	gputest.Close(t, "loss", gputest.Read(t, a.Loss), loss, mag)
	if a.DX == nil {
		return
	}
	bound := make([]float64, n*d)
	for i := range bound {
		bound[i] = 4 * gputest.Eps * math.Abs(dx[i])
	}
	gputest.Close(t, "dx", gputest.Read(t, a.DX), dx, bound)
}

// TestMaskedRowsAreZero puts NaN where the weight is 0.
func TestMaskedRowsAreZero(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		nan := float32(math.NaN())
		dx, loss := gputest.F32(t, dev, make([]float32, 4), 2, 2), gputest.F32(t, dev, make([]float32, 2), 2)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			MSE(r, MSEArgs{
				X: gputest.F32(t, dev, []float32{nan, 1, 3, 4}, 2, 2), Y: gputest.F32(t, dev, make([]float32, 4), 2, 2),
				RowWeight: gputest.F32(t, dev, []float32{0, 1}, 2), Loss: loss, DX: dx,
			})
		})
		gputest.Close(t, "loss", gputest.Read(t, loss), []float64{0, 25}, []float64{0})
		gputest.Close(t, "dx", gputest.Read(t, dx), []float64{0, 0, 6, 8}, []float64{0})
	})
}

func TestMSERowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, d = 9, 100
		x, y := gputest.Normal(1, n*d), gputest.Normal(2, n*d)
		optest.SameRows(t, n, 1, func(m int) []float32 {
			loss := gputest.F32(t, dev, make([]float32, m), m)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				MSE(r, MSEArgs{X: gputest.F32(t, dev, x[:m*d], m, d), Y: gputest.F32(t, dev, y[:m*d], m, d), Loss: loss})
			})
			return gputest.Read(t, loss)
		})
	})
}

func TestMSEShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		v3, v4 := x.View(0, 3), x.View(0, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":    func(r *gpu.Recorder) { MSE(r, MSEArgs{Y: x, Loss: v3}) },
			"y":      func(r *gpu.Recorder) { MSE(r, MSEArgs{X: x, Y: v4, Loss: v3}) },
			"loss":   func(r *gpu.Recorder) { MSE(r, MSEArgs{X: x, Y: x, Loss: v4}) },
			"weight": func(r *gpu.Recorder) { MSE(r, MSEArgs{X: x, Y: x, Loss: v3, RowWeight: v4}) },
			"dx":     func(r *gpu.Recorder) { MSE(r, MSEArgs{X: x, Y: x, Loss: v3, DX: v4}) },
		})
	})
}

func BenchmarkMSE(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n, d = 2048, 768
	x, y := gputest.F32(b, dev, gputest.Normal(1, n*d), n, d), gputest.F32(b, dev, gputest.Normal(2, n*d), n, d)
	dx, loss := gputest.F32(b, dev, make([]float32, n*d), n, d), gputest.F32(b, dev, make([]float32, n), n)
	b.Run(fmt.Sprintf("rows=%d/cols=%d", n, d), func(b *testing.B) {
		optest.Bench(b, dev, 12*n*d, n, func(r *gpu.Recorder) { MSE(r, MSEArgs{X: x, Y: y, Loss: loss, DX: dx}) })
	})
}
