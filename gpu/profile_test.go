package gpu_test

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
)

// TestProfile runs a program operation by operation: its results are those of a
// run, and every call is counted.
func TestProfile(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, one := gputest.F32(t, dev, []float32{5}, 1), gputest.F32(t, dev, []float32{1}, 1)
		r := dev.NewRecorder()
		r.Fill(x, 0)
		for range 3 {
			elementwise.Add(r, elementwise.AddArgs{A: x, B: one, Out: x})
		}
		elementwise.Scale(r, elementwise.ScaleArgs{X: x, Out: x, By: 2})
		p, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		times, err := p.Profile()
		if err != nil {
			t.Fatal(err)
		}
		if got := gputest.Read(t, x)[0]; got != 6 {
			t.Errorf("got %g, want 6", got)
		}
		calls := map[string]int{}
		for i, k := range times {
			calls[k.Kernel] = k.Calls
			if k.Time <= 0 || i > 0 && k.Time > times[i-1].Time {
				t.Errorf("%v: not a time, or out of order", times)
			}
		}
		if len(times) != 3 || calls["fill"] != 1 || calls["elementwise/add"] != 3 || calls["elementwise/scale"] != 1 {
			t.Errorf("calls %v", calls)
		}
		p.Free()
		if _, err := p.Profile(); !errors.Is(err, gpu.ErrProgram) {
			t.Errorf("profile of a freed program: %v", err)
		}
	})
}
