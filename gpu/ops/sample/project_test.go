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

// projected is the definition, in float64, over the n draws of one request.
func projected(c, u []float32, scale, threshold, eta float64) []float64 {
	var dd, dc, cc float64
	for i := range c {
		d := float64(c[i]) - float64(u[i])
		dd, dc, cc = dd+d*d, dc+d*float64(c[i]), cc+float64(c[i])*float64(c[i])
	}
	k := 1.0
	if rms := math.Sqrt(dd / float64(len(c))); threshold > 0 {
		k = min(1, threshold/rms)
	}
	out := make([]float64, len(c))
	for i := range c {
		d := k * (float64(c[i]) - float64(u[i]))
		out[i] = float64(c[i]) + (scale-1)*(d-(1-eta)*k*dc/cc*float64(c[i]))
	}
	return out
}

// TestProjectMatchesOracle joins three requests of several draws: one with guidance, one
// without, and one whose scale is 1. One more draw lies behind them.
func TestProjectMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, v, m = 37, 34, 3*37 + 1
		x := gputest.Normal(3, 2*m*v)
		picks, scale := make([]int32, 2*m), make([]float32, m)
		for i := range m {
			scale[i] = []float32{34, 34, 1, 34}[i/n]
			if i/n == 1 || i == m-1 {
				picks[m+i] = -1
			}
		}
		run := func(threshold, eta float32) []float32 {
			out, err := dev.NewTensor(tensor.F32, m, v)
			if err != nil {
				t.Fatal(err)
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Project(r, ProjectArgs{
					X: gputest.F32(t, dev, x, 2*m, v), Picks: gputest.I32(t, dev, picks, 2*m), Scale: gputest.F32(t, dev, scale, m), Out: out,
					N: n, Threshold: threshold, Eta: eta,
				})
			})
			return gputest.Read(t, out)
		}
		for _, o := range [][2]float32{{0, 0}, {0, 1}, {0.05, 0}, {100, 0.25}} {
			got := run(o[0], o[1])
			want := projected(x[:n*v], x[m*v:(m+n)*v], 34, float64(o[0]), float64(o[1]))
			for i, w := range want {
				if d := math.Abs(float64(got[i]) - w); !(d <= 1e-4) { // of values of up to 200
					t.Fatalf("threshold and eta %v: logit %d is %g, want %g", o, i, got[i], w)
				}
			}
			if !slices.Equal(got[n*v:], x[n*v:m*v]) {
				t.Errorf("threshold and eta %v: logits without guidance have changed", o)
			}
		}
		r := dev.NewRecorder()
		Project(r, ProjectArgs{X: gputest.F32(t, dev, x, 2*m, v), Picks: gputest.I32(t, dev, picks, 2*m), Scale: gputest.F32(t, dev, scale, m), Out: gputest.F32(t, dev, x[:m*v], m, v), N: m + 1})
		if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("more draws than there are: %v", err)
		}
	})
}
