package rope

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestNowhereIsZero turns a row that has no place on its second axis: the pairs of that
// axis become zero, the others turn as ever.
func TestNowhereIsZero(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		freq, axis := Table(16, []int{4, 4}, 100)
		x := gputest.Normal(3, 32)
		out, err := dev.NewTensor(tensor.F32, 2, 16)
		if err != nil {
			t.Fatal(err)
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Apply(r, Args{
				X: gputest.F32(t, dev, x, 2, 16), Out: out, Pos: gputest.I32(t, dev, []int32{3, math.MinInt32, 3, 5}, 2, 2),
				Freq: gputest.F32(t, dev, freq, 8), Axis: gputest.I32(t, dev, axis, 8),
			})
		})
		got, err := out.F32()
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range got {
			angle := float64(3 * freq[i%16/2])
			if i >= 16 && i%16 >= 8 {
				angle = float64(5 * freq[i%16/2])
			}
			p, q := float64(x[i/2*2]), float64(x[i/2*2+1])
			want := p*math.Cos(angle) - q*math.Sin(angle)
			if i%2 == 1 {
				want = p*math.Sin(angle) + q*math.Cos(angle)
			}
			if i < 16 && i >= 8 {
				want = 0
			}
			if math.Abs(float64(y)-want) > 1e-5 {
				t.Errorf("column %d of row %d is %g, want %g", i%16, i/16, y, want)
			}
		}
	})
}
