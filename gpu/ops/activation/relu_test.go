package activation

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

func TestReLU(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		for _, place := range []string{"apart", "x", "dout"} {
			x, dout := samples(3, n*h), gputest.Normal(4, n*h)
			y, dx, exact := make([]float64, n*h), make([]float64, n*h), make([]float64, n*h)
			for i, v := range x {
				if y[i] = max(float64(v), 0); v > 0 {
					dx[i] = float64(dout[i])
				}
			}
			tx := gputest.F32(t, dev, x, n, h)
			a := ReLUGradArgs{X: gputest.F32(t, dev, x, n, h), DOut: gputest.F32(t, dev, dout, n, h)}
			out := map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, x, n, h), "x": tx, "dout": tx}[place]
			a.DX = map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, x, n, h), "x": a.X, "dout": a.DOut}[place]
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				ReLU(r, ReLUArgs{X: tx, Out: out})
				ReLUGrad(r, a)
			})
			gputest.Close(t, "out", gputest.Read(t, out), y, exact)
			gputest.Close(t, "dx", gputest.Read(t, a.DX), dx, exact)
		}
	})
}

// TestReLUKeepsNaN holds that what is no number is seen in the end.
func TestReLUKeepsNaN(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, []float32{float32(math.NaN()), -1, 2}, 3)
		gputest.Run(t, dev, func(r *gpu.Recorder) { ReLU(r, ReLUArgs{X: x, Out: x}) })
		if y := gputest.Read(t, x); y[0] == y[0] || y[1] != 0 || y[2] != 2 {
			t.Errorf("%v", y)
		}
	})
}
