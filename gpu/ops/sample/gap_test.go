package sample

import (
	"errors"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// TestGap compares with sorted logits. Among the rows are one with equal logits, one that
// may draw a single token, and one that draws nothing.
func TestGap(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const m, v, l = 7, 37, 5
		x := gputest.Normal(3, m*v)
		x[2*v+4], x[2*v+20] = 9, 9
		lo, hi := []int32{0, 3, 0, 5, 0, 0, 36}, []int32{v, 20, v, 6, v, v, v}
		var draw, canvas []int32
		want := slices.Repeat([]float32{-1}, 2*l)
		for i := range int32(m) {
			active := int32(1)
			if i == 4 {
				active = 0
			}
			draw, canvas = append(draw, 1, 2, 3, i%l, lo[i], hi[i], 0, active), append(canvas, i/l)
			row := slices.Sorted(slices.Values(x[i*v+lo[i] : i*v+hi[i]]))
			if n := len(row); active == 1 {
				want[i] = row[n-1] - row[max(n-2, 0)]
			}
		}
		out := gputest.F32(t, dev, slices.Repeat([]float32{-1}, 2*l), 2, l)
		a := GapArgs{Logits: gputest.F32(t, dev, x, m, v), Canvas: gputest.I32(t, dev, canvas, m), Draw: gputest.U32(t, dev, draw, m, DrawWords), Out: out}
		gputest.Run(t, dev, func(r *gpu.Recorder) { Gap(r, a) })
		if got := gputest.Read(t, out); !slices.Equal(got, want) {
			t.Errorf("gaps %v, want %v", got, want)
		}
		r := dev.NewRecorder()
		Gap(r, GapArgs{Logits: a.Logits, Canvas: a.Draw, Draw: a.Draw, Out: out})
		if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("canvases of another type: %v", err)
		}
	})
}
