package gpu_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
)

// TestProfile runs a program under a profile, by the device's clock, without, and where the host sees no memory:
// its results are those of a run, every call is counted, and work is summed.
func TestProfile(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, o := range []gpu.Options{{}, gpu.Options{}.Clockless(), gpu.Options{}.Hidden()} {
			o.Device = dev.Info().Name
			testProfile(t, gputest.Open(t, o))
		}
	})
}

func testProfile(t *testing.T, dev *gpu.Device) {
	t.Helper()
	x, one := gputest.F32(t, dev, []float32{5}, 1), gputest.F32(t, dev, []float32{1}, 1)
	k := scaleKernel(t, "profiled")
	r := dev.NewRecorder()
	r.Fill(x, 0)
	r.Dispatch(gpu.Call{
		Kernel: scaleKernel(t, "tallied"), In: []*gpu.Tensor{x}, Out: []*gpu.Tensor{x}, Params: []uint32{1, gpu.F32Param(2)},
		Tally: &gpu.Tally{Of: x, Most: 3, Each: gpu.Work{Bytes: 2}, Rest: gpu.Work{Bytes: 5}}, // x is 0 by now, and never before
	})
	for range 3 {
		elementwise.Add(r, elementwise.AddArgs{A: x, B: one, Out: x})
	}
	r.Dispatch(gpu.Call{Kernel: k, In: []*gpu.Tensor{x}, Out: []*gpu.Tensor{x}, Params: []uint32{1, gpu.F32Param(2)}, Work: gpu.Work{Flops: 7}})
	p, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	prof, err := dev.StartProfile()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.StartProfile(); !errors.Is(err, gpu.ErrProgram) {
		t.Errorf("a second profile: %v", err)
	}
	if err := p.Run(2); err != nil {
		t.Fatal(err)
	}
	prof.Stop()
	if err := p.Run(1); err != nil { // not in the profile
		t.Fatal(err)
	}
	if got := gputest.Read(t, x)[0]; got != 6 {
		t.Errorf("got %g, want 6", got)
	}
	want := map[string]gpu.KernelTime{
		"fill": {Calls: 2, Work: gpu.Work{Bytes: 8}}, "elementwise/add": {Calls: 6, Work: gpu.Work{Bytes: 6 * 12}},
		"profiled": {Calls: 2, Work: gpu.Work{Flops: 14, Bytes: 16}},
		"tallied":  {Calls: 2, Work: gpu.Work{Bytes: 10}},
	}
	times := prof.Kernels()
	for i, k := range times {
		w := want[k.Kernel]
		if k.Calls != w.Calls || k.Work.Bytes != w.Work.Bytes || w.Work.Flops > 0 && k.Work != w.Work {
			t.Errorf("%+v, want %+v", k, w)
		}
		if k.Time < 0 || i > 0 && k.Time > times[i-1].Time {
			t.Errorf("%v: not a time, or out of order", times)
		}
	}
	spans := prof.Spans()
	if len(times) != 4 || times[0].Time <= 0 || len(spans) != 12 || spans[0].Kernel != "fill" || spans[11].Kernel != "profiled" {
		t.Errorf("%d kernels, spans %+v", len(times), spans)
	}
	for i := 1; i < len(spans); i++ {
		if spans[i].Start < spans[i-1].Start {
			t.Errorf("%+v begins before %+v", spans[i], spans[i-1])
		}
	}
}

// TestProfileChangesNoBit runs random programs, longer than one submit's readings.
func TestProfileChangesNoBit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		own := gputest.Open(t, gpu.Options{Device: dev.Info().Name})
		prof, err := own.StartProfile()
		if err != nil {
			t.Fatal(err)
		}
		steps := randomSteps(rand.New(rand.NewPCG(5, 5)), 600)
		got, _ := onDevice(t, own, steps, 2)
		prof.Stop()
		sameBits(t, got, onHost(steps, 2))
		if n := len(prof.Spans()); n < 1000 {
			t.Errorf("%d spans of 1200 operations", n)
		}
		t.Logf("by the device's clock: %v", prof.ByClock())
		own.Close()
		if _, err := own.StartProfile(); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestRoof(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		used := dev.Used()
		if rate, err := dev.Roof(); err != nil || !(rate > 1e8 && rate < 1e14) {
			t.Errorf("%g bytes a second, error %v", rate, err)
		}
		if dev.Used() != used {
			t.Errorf("%d bytes are kept", dev.Used()-used)
		}
	})
}
