package gpu_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// TestSubmitsChangeNoBit runs random programs where every submit is too long: they
// are cut to single operations, and give the bits of the host all the same.
func TestSubmitsChangeNoBit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		submits := 0
		opts := gpu.Options{Device: dev.Info().Name}.Faulty(func() error { submits++; return nil })
		hurried := gputest.Open(t, opts.Hurried(time.Nanosecond))
		for seed := range uint64(3) {
			steps := randomSteps(rand.New(rand.NewPCG(seed, 8)), 30)
			submits = 0
			got, _ := onDevice(t, hurried, steps, 6)
			sameBits(t, got, onHost(steps, 6))
			if submits < 100 {
				t.Errorf("%d submits of 6 times 30 operations", submits)
			}
		}
		submits = 0
		calm := gputest.Open(t, opts)
		steps := randomSteps(rand.New(rand.NewPCG(9, 8)), 30)
		got, _ := onDevice(t, calm, steps, 20)
		sameBits(t, got, onHost(steps, 20))
		if submits > 10 {
			t.Errorf("%d submits of 20 short runs", submits)
		}
	})
}
