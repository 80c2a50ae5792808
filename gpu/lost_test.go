package gpu_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/gpu/vk"
)

// TestDeviceLost loses a device at each of its submits in turn, seen and staged;
// from then on it says so, it can be closed, and the next one computes the same.
func TestDeviceLost(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		steps := randomSteps(rand.New(rand.NewPCG(4, 4)), 20)
		want, _ := onDevice(t, dev, steps, 3)
		for _, opts := range []gpu.Options{{}, gpu.Options{}.Hidden()} {
			for after := range 6 {
				opts.Device = dev.Info().Name
				lose(t, opts, after, vk.ErrDeviceLost)
				again := gputest.Open(t, opts)
				got, _ := onDevice(t, again, steps, 3)
				sameBits(t, got, want)
				again.Close()
			}
		}
		lose(t, gpu.Options{Device: dev.Info().Name}, 1, vk.Timeout)
	})
}

// lose works on a device until it is lost, after so many submits.
func lose(t *testing.T, opts gpu.Options, after int, with vk.Result) {
	t.Helper()
	submits := 0
	dev := gputest.Open(t, opts.Faulty(func() error {
		if submits++; submits > after {
			return with
		}
		return nil
	}))
	var err error
	for i := 0; err == nil && i < 10; i++ {
		err = double(dev, float32(i))
	}
	if !errors.Is(err, gpu.ErrDeviceLost) {
		t.Fatalf("lost after %d submits: %v", after, err)
	}
	before := submits
	r := dev.NewRecorder()
	if x, err := dev.NewTensor(tensor.F32, 4); err == nil {
		r.Fill(x, 0)
	}
	p, err := r.Finish()
	if err == nil {
		err = p.Run(1)
	}
	if !errors.Is(err, gpu.ErrDeviceLost) || submits != before {
		t.Errorf("%d submits to a lost device, error %v", submits-before, err)
	}
	dev.Close()
}

// TestErrorsByKind maps what a driver may answer.
func TestErrorsByKind(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for answer, want := range map[vk.Result]error{
			vk.ErrDeviceLost: gpu.ErrDeviceLost, vk.Timeout: gpu.ErrDeviceLost, vk.ErrOutOfMemory: gpu.ErrOutOfMemory,
			vk.ErrOutOfHostMemory: gpu.ErrOutOfMemory, vk.ErrUnknown: vk.ErrUnknown,
		} {
			d := gputest.Open(t, gpu.Options{Device: dev.Info().Name}.Faulty(func() error { return answer }))
			if err := double(d, 1); !errors.Is(err, want) {
				t.Errorf("%v: error %v", answer, err)
			}
		}
		for answer, want := range map[vk.Result]error{
			vk.ErrDeviceLost: gpu.ErrDeviceLost, vk.ErrOutOfMemory: gpu.ErrOutOfMemory, vk.ErrUnknown: gpu.ErrPipeline, vk.ErrInvalidExternals: gpu.ErrPipeline,
		} {
			if err := gpu.KindOfPipeline(answer); !errors.Is(err, want) || !errors.Is(err, gpu.ErrPipeline) == errors.Is(want, gpu.ErrPipeline) {
				t.Errorf("a pipeline that fails with %v: %v", answer, err)
			}
		}
	})
}
