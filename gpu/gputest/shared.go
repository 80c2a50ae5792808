package gputest

import (
	"fmt"
	"os"
	"sync"

	"github.com/morton-gen/morton/gpu"
)

// origins are devices that tests get clones of, by what was asked for and by what was
// opened. They stay open until the process ends. lavapipe takes 0.2 to 0.4 s for a kernel
// that Mesa has in its cache, and seconds for another; a package's tests use some tens of
// kernels, and each kernel in many tests.
var origins struct {
	mu    sync.Mutex
	byKey map[string]*gpu.Device
}

// Share opens a device as [gpu.Open] does, as a clone of one that stays open until the
// process ends.
func Share(opts gpu.Options) (*gpu.Device, error) {
	if opts.Validation || opts.Robust {
		return gpu.Open(opts)
	}
	origins.mu.Lock()
	defer origins.mu.Unlock()
	asked := fmt.Sprint("asked ", opts.Device, opts.Width, opts.Widest, opts.Threads, opts.Grain, os.Getenv("MORTON_SUBGROUP"), os.Getenv("LP_NUM_THREADS"))
	if origins.byKey[asked] == nil {
		dev, err := origin(opts)
		if err != nil {
			return nil, err
		}
		origins.byKey[asked] = dev
	}
	return origins.byKey[asked].Clone(opts)
}

// origin opens a device, or returns that of an earlier call that is the same.
func origin(opts gpu.Options) (*gpu.Device, error) {
	if origins.byKey == nil {
		origins.byKey = map[string]*gpu.Device{}
	}
	dev, err := gpu.Open(gpu.Options{Device: opts.Device, Width: opts.Width, Widest: opts.Widest, Threads: opts.Threads, Grain: opts.Grain})
	if err != nil {
		return nil, err
	}
	info := dev.Info()
	opened := fmt.Sprint("opened ", info.Index, info.Width, info.Threads)
	if origins.byKey[opened] != nil {
		dev.Close()
		return origins.byKey[opened], nil
	}
	origins.byKey[opened] = dev
	return dev, nil
}
