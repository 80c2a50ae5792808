package isolated

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// program returns this program's path. The link leads to it even if the file is gone,
// which Beam's boot code and updates remove.
func program() (string, error) { return "/proc/self/exe", nil }

// confine makes this process the first to go where the machine lacks memory, and bounds its
// data at twice the memory it may have. Only a burst comes that far, see watch: a decoder
// that gets no memory may go on with fewer frames, which no result should depend on.
func confine(memory int64) error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) // a container may forbid it
	if memory <= 0 {
		return nil
	}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_DATA, &now); err != nil {
		return fmt.Errorf("the limit of memory: %w", err)
	}
	now.Cur = min(2*uint64(memory)+reserved, now.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &now); err != nil {
		return fmt.Errorf("the limit of memory: %w", err)
	}
	return nil
}

// reserved is data of the program that is mapped and not used: Go's heap and stacks.
const reserved = 1 << 30

// watchEvery is how often a child looks at its memory: one that fills 2 GB/s overshoots by
// 40 MB.
const watchEvery = 20 * time.Millisecond

// watch ends this process, with exitMemory, when its memory grows over a limit, until the
// returned function is called.
func watch(memory int64) (end func()) {
	if memory <= 0 {
		return func() {}
	}
	over := make(chan struct{})
	go func() {
		every := time.NewTicker(watchEvery)
		defer every.Stop()
		for {
			select {
			case <-every.C:
			case <-over:
				return
			}
			if n := resident(); n > memory {
				os.Exit(exitMemory)
			}
		}
	}()
	return func() { close(over) }
}

// resident is what this process has in memory for itself: statm counts pages, resident and
// shared ones second and third.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 3 {
		return 0
	}
	all, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	shared, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return (all - shared) * int64(os.Getpagesize())
}
