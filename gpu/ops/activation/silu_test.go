package activation

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// silu64 is SiLU in float64: the value, the slope and their error bounds.
func silu64(x float64) (y, slope, boundY, boundSlope float64) {
	s, c := sigmoid(x), relative(x)
	// 1 - s and s lose their own relative error, so the two terms are bounded apart.
	return x * s, s * (1 + x*(1-s)), c*math.Abs(x*s) + tiny*math.Abs(x), 2*c*s*(1+math.Abs(x)*(1-s)) + tiny
}

func TestSiLUOracleGradient(t *testing.T) {
	x := optest.Wide(gputest.Normal(1, 40))
	grad := make([]float64, len(x))
	for i := range x {
		_, grad[i], _, _ = silu64(x[i])
	}
	optest.Gradient(t, "dx", func() (sum float64) {
		for _, v := range x {
			y, _, _, _ := silu64(v)
			sum += y
		}
		return sum
	}, x, grad)
}

func TestSiLU(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, n, h int) {
		for _, place := range []string{"apart", "x", "dout"} {
			testSiLU(t, dev, n, h, place)
		}
	})
}

func testSiLU(t *testing.T, dev *gpu.Device, n, h int, place string) {
	t.Helper()
	x, dout := samples(3, n*h), gputest.Normal(4, n*h)
	y, dx, boundY, boundX := make([]float64, n*h), make([]float64, n*h), make([]float64, n*h), make([]float64, n*h)
	for i, v := range optest.Wide(x) {
		d := float64(dout[i])
		var slope, boundSlope float64
		y[i], slope, boundY[i], boundSlope = silu64(v)
		dx[i], boundX[i] = d*slope, math.Abs(d)*boundSlope
	}
	tx := gputest.F32(t, dev, x, n, h)
	a := SiLUGradArgs{X: gputest.F32(t, dev, x, n, h), DOut: gputest.F32(t, dev, dout, n, h)}
	out := map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, x, n, h), "x": tx, "dout": tx}[place]
	a.DX = map[string]*gpu.Tensor{"apart": gputest.F32(t, dev, x, n, h), "x": a.X, "dout": a.DOut}[place]
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		SiLU(r, SiLUArgs{X: tx, Out: out})
		SiLUGrad(r, a)
	})
	gputest.Close(t, "out", gputest.Read(t, out), y, boundY)
	gputest.Close(t, "dx", gputest.Read(t, a.DX), dx, boundX)
}
