package activation

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

func TestReLU(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		for _, inPlace := range []bool{false, true} {
			x := samples(3, n*h)
			y, exact := make([]float64, n*h), make([]float64, n*h)
			for i, v := range x {
				y[i] = max(float64(v), 0)
			}
			a := ReLUArgs{X: gputest.F32(t, dev, x, n, h), Out: gputest.F32(t, dev, x, n, h)}
			if inPlace {
				a.Out = a.X
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) { ReLU(r, a) })
			gputest.Close(t, "out", gputest.Read(t, a.Out), y, exact)
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
