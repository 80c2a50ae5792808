package gpu_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestUnderTheCollector makes pipelines and records while the garbage collector
// runs without pause: nothing C keeps may be Go's.
func TestUnderTheCollector(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		stop, stopped := make(chan struct{}), make(chan int)
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					stopped <- n
					return
				default:
					runtime.GC()
				}
			}
		}()
		var err error
		for i := 0; i < 40 && err == nil; i++ {
			err = errors.Join(scaled(t, dev, scaleKernel(t, fmt.Sprint("collected ", i)), float32(i)), double(dev, float32(i)))
		}
		close(stop)
		if n := <-stopped; n < 40 {
			t.Errorf("the collector ran %d times, too few to tell", n)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// scaled runs k on many tensors, in a program long enough to be collected under.
func scaled(t *testing.T, dev *gpu.Device, k *gpu.Kernel, by float32) error {
	x := gputest.F32(t, dev, []float32{1, 2, 3}, 3)
	defer x.Free()
	r := dev.NewRecorder()
	var last *gpu.Tensor
	for range 50 {
		last = r.Temp(tensor.F32, 3)
		r.Dispatch(gpu.Call{Kernel: k, In: []*gpu.Tensor{x}, Out: []*gpu.Tensor{last}, Params: []uint32{3, gpu.F32Param(by)}})
	}
	r.Copy(x, last)
	p, err := r.Finish()
	if err != nil {
		return err
	}
	defer p.Free()
	if err := p.Run(2); err != nil {
		return err
	}
	if got := gputest.Read(t, x); got[2] != 3*by*by && got[2] != 3*by {
		return fmt.Errorf("3 scaled by %g is %g", by, got[2])
	}
	return nil
}

// residentBytes is the memory the process holds, C's and the driver's with it.
func residentBytes(t *testing.T) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("cannot tell the memory this process holds: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// TestFlatMemory builds 10,000 programs and replays one 100,000 times, in 7 s on
// two cores of a Xeon: neither the host's memory nor the device's grows.
func TestFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of programs")
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		grown(t, "a program", 10_000, 1<<10, func(n int) {
			used := dev.Used()
			for i := range n {
				if err := double(dev, float32(i)); err != nil {
					t.Fatal(err)
				}
			}
			if now := dev.Used(); now != used {
				t.Fatalf("%d programs left %d bytes of device memory", n, now-used)
			}
		})
		r := dev.NewRecorder()
		x := gputest.F32(t, dev, make([]float32, 8), 8)
		r.Fill(x, 1)
		p, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		used := dev.Used()
		grown(t, "a replay", 100_000, 128, func(n int) {
			for range n {
				if err := p.Run(1); err != nil {
					t.Fatal(err)
				}
			}
		})
		if now := dev.Used(); now != used {
			t.Errorf("replays left %d bytes of device memory", now-used)
		}
	})
}

// TestFlatMemoryOfDevices opens and closes 60 devices.
func TestFlatMemoryOfDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("many devices")
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		grown(t, "a device", 60, 64<<10, func(n int) {
			for range n {
				d, err := gpu.Open(gpu.Options{Device: dev.Info().Name})
				if err != nil {
					t.Fatal(err)
				}
				if err := double(d, 1); err != nil {
					t.Fatal(err)
				}
				d.Close()
			}
		})
	})
}

// grown does n things again and again, and fails if the process grows by more
// than each bytes a thing every time: a leak does, what only warms up does not.
func grown(t *testing.T, what string, n, each int, do func(n int)) {
	t.Helper()
	before := residentBytes(t)
	for range 5 {
		do(n)
		now := residentBytes(t)
		t.Logf("%d times %s: %+d KiB", n, what, (now-before)>>10)
		if now-before <= n*each {
			return
		}
		before = now
	}
	t.Errorf("%s leaks: each %d cost more than %d KiB, every time", what, n, n*each>>10)
}
