package loss

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// pixelsOracle is the loss of each row and its gradient by x, in float64.
func pixelsOracle(n, h, w, c int, x, y []float64, a PixelsArgs) (loss, dx []float64) {
	loss, dx = make([]float64, n*h), make([]float64, len(x))
	soft := float64(a.Soft)
	term := func(row int, k float64, up, down int) { // k·r(e_up - e_down); down < 0: k·r(e_up)
		e := x[up] - y[up]
		if down >= 0 {
			e -= x[down] - y[down]
		}
		root := math.Sqrt(e*e + soft*soft)
		loss[row] += k * (root - soft)
		dx[up] += k * e / root
		if down >= 0 {
			dx[down] -= k * e / root
		}
	}
	for i := range x {
		row, px := i/(w*c), i/c%w
		e := x[i] - y[i]
		loss[row] += float64(a.Square) * e * e
		dx[i] += 2 * float64(a.Square) * e
		term(row, float64(a.Size), i, -1)
		if px+1 < w {
			term(row, float64(a.Slope), i+c, i)
		}
		if row%h+1 < h {
			term(row, float64(a.Slope), i+w*c, i)
		}
	}
	return loss, dx
}

var pixelWeights = []PixelsArgs{
	{Square: 1, Soft: 1.0 / 256}, {Size: 0.5, Soft: 0.1}, {Slope: 0.7, Soft: 1.0 / 256}, {Square: 0.3, Size: 0.2, Slope: 0.1, Soft: 0.01},
}

// TestPixelsOracleGradient checks the oracle by central differences.
func TestPixelsOracleGradient(t *testing.T) {
	const n, h, w, c = 2, 3, 4, 2
	x, y := optest.Wide(gputest.Normal(1, n*h*w*c)), optest.Wide(gputest.Normal(2, n*h*w*c))
	for _, a := range pixelWeights {
		a.Soft = 0.3
		_, dx := pixelsOracle(n, h, w, c, x, y, a)
		optest.Gradient(t, fmt.Sprint(a), func() (sum float64) {
			rows, _ := pixelsOracle(n, h, w, c, x, y, a)
			for _, l := range rows {
				sum += l
			}
			return sum
		}, x, dx)
	}
}

func TestPixelsMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range [][4]int{{1, 1, 1, 1}, {2, 3, 5, 4}, {3, 8, 8, 12}, {1, 5, 1, 3}} {
			n, h, w, c := s[0], s[1], s[2], s[3]
			hx, hy := gputest.Normal(5, n*h*w*c), gputest.Normal(6, n*h*w*c)
			copy(hx[:len(hx)/3], hy) // without an error
			for _, a := range pixelWeights {
				want, wantDX := pixelsOracle(n, h, w, c, optest.Wide(hx), optest.Wide(hy), a)
				bound, boundDX := make([]float64, len(want)), make([]float64, len(wantDX))
				for i, v := range want {
					bound[i] = float64(w*c+64)*gputest.Eps*v + 1e-7
				}
				for i := range wantDX {
					// An error of a difference of e moves r' by at most that over soft.
					boundDX[i] = 64 * gputest.Eps * (1 + math.Abs(wantDX[i]) + 5*float64(a.Slope)/float64(a.Soft))
				}
				a.H, a.W, a.X, a.Y = h, w, gputest.F32(t, dev, hx, n*h*w, c), gputest.F32(t, dev, hy, n*h*w, c)
				a.Loss, a.DX = gputest.F32(t, dev, make([]float32, n*h), n*h), gputest.F32(t, dev, hx, n*h*w, c)
				gputest.Run(t, dev, func(r *gpu.Recorder) { Pixels(r, a) })
				gputest.Close(t, "loss", gputest.Read(t, a.Loss), want, bound)
				gputest.Close(t, "dx", gputest.Read(t, a.DX), wantDX, boundDX)
			}
		}
		x, l := gputest.F32(t, dev, make([]float32, 24), 6, 4), gputest.F32(t, dev, make([]float32, 3), 3)
		optest.Refused(t, dev, map[string]func(r *gpu.Recorder){
			"no pictures": func(r *gpu.Recorder) { Pixels(r, PixelsArgs{H: 4, W: 2, X: x, Y: x, Loss: l}) },
			"no size":     func(r *gpu.Recorder) { Pixels(r, PixelsArgs{X: x, Y: x, Loss: l}) },
			"in place":    func(r *gpu.Recorder) { Pixels(r, PixelsArgs{H: 3, W: 2, X: x, Y: x, Loss: l, DX: x}) },
			"loss":        func(r *gpu.Recorder) { Pixels(r, PixelsArgs{H: 3, W: 2, X: x, Y: x, Loss: x}) },
		})
	})
}
