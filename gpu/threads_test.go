package gpu_test

import (
	"os"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
)

func TestThreads(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		if !dev.OnCPU() {
			t.Skip("not a CPU")
		}
		t.Setenv("LP_NUM_THREADS", "")
		for _, c := range []struct {
			set     string
			threads int
			grain   int64
			want    int
		}{{"3", 0, 1, 3}, {"3", 0, 0, 3}, {"0", 0, 1e9, 1}, {"3", 1, 1e9, 1}, {"3", 2, 1, 2}, {"", 0, 1e6, 1}, {"", 2, 0, 2}} {
			os.Setenv("LP_NUM_THREADS", c.set)
			d := gputest.Open(t, gpu.Options{Device: dev.Info().Name, Threads: c.threads, Grain: c.grain})
			if got := d.Info().Threads; got != c.want || os.Getenv("LP_NUM_THREADS") != c.set {
				t.Errorf("%+v: %d threads, and LP_NUM_THREADS is %q", c, got, os.Getenv("LP_NUM_THREADS"))
			}
		}
	})
}

// TestThreadsAreTaken times operations too small to matter: waking threads takes 50
// times as long as calling a function.
func TestThreadsAreTaken(t *testing.T) {
	if os.Getenv("VK_INSTANCE_LAYERS") != "" {
		t.Skip("a layer takes its time for each operation")
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		if !dev.OnCPU() {
			t.Skip("not a CPU")
		}
		name := dev.Info().Name
		two := quickest(t, gputest.Open(t, gpu.Options{Device: name, Threads: 2}))
		one := quickest(t, gputest.Open(t, gpu.Options{Device: name, Threads: 1}))
		again := quickest(t, gputest.Open(t, gpu.Options{Device: name, Threads: 2}))
		if one > two/3 || one > again/3 {
			t.Errorf("an operation takes %v on one thread, %v and %v on two", one, two, again)
		}
	})
}

// quickest is the time of an operation on one number, the best of many.
func quickest(t *testing.T, dev *gpu.Device) time.Duration {
	t.Helper()
	const n = 200
	x, err := dev.FromF32([]float32{1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	r := dev.NewRecorder()
	for range n {
		elementwise.Scale(r, elementwise.ScaleArgs{X: x, Out: x, By: 1})
	}
	p, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	best := time.Hour
	for range 20 {
		begin := time.Now()
		if err := p.Run(1); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(begin)/n)
	}
	return best
}
