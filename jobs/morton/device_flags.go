package main

import (
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/gpu"
)

// deviceFlags are the flags of every command that opens a device.
type deviceFlags struct {
	device  string
	memory  sizeFlag
	threads threadsFlag
}

func (d *deviceFlags) add(f *flagSet) {
	f.StringVar(&d.device, "device", "auto", "")
	f.Var(&d.memory, "memory-limit", "")
	f.Func("subgroup", "", setSubgroup)
	f.Var(&d.threads, "threads", "")
}

func (d *deviceFlags) options() gpu.Options {
	return gpu.Options{Device: d.device, MemoryLimit: uint64(d.memory), Threads: int(d.threads)}
}

// setSubgroup sets the width of all kernels. It goes by the environment, as the
// width is the process's: lavapipe has one, fixed before it is loaded.
func setSubgroup(s string) error {
	if words := []string{"auto", "4", "8", "16", "32", "64"}; !slices.Contains(words, s) {
		return fmt.Errorf("it is one of %s", strings.Join(words, ", "))
	}
	return os.Setenv("MORTON_SUBGROUP", s)
}

// threadsFlag is a number of threads; 0 is auto.
type threadsFlag int

func (n *threadsFlag) String() string { return strconv.Itoa(int(*n)) }

func (n *threadsFlag) Set(text string) error {
	if text == "auto" {
		*n = 0
		return nil
	}
	k, err := strconv.Atoi(text)
	if err != nil || k < 1 || k > gpu.MaxThreads {
		return fmt.Errorf("it is auto, or 1 to %d", gpu.MaxThreads)
	}
	*n = threadsFlag(k)
	return nil
}

// sizeFlag is a number of bytes, with K, M or G for powers of 1024.
type sizeFlag uint64

func (s *sizeFlag) String() string { return strconv.FormatUint(uint64(*s), 10) }

func (s *sizeFlag) Set(text string) error {
	number, shift := strings.ToUpper(text), 0
	for i, suffix := range []string{"K", "M", "G", "T"} {
		if rest, ok := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I"), suffix); ok {
			number, shift = rest, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || bits.Len64(n)+shift > 64 {
		return fmt.Errorf("it is bytes, such as 3000000, 512M or 4G")
	}
	*s = sizeFlag(n << shift)
	return nil
}
