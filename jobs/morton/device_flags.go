package main

import (
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/gpu"
)

type deviceFlags struct {
	device  string
	memory  sizeFlag
	threads threadsFlag
	width   widthFlag
}

func (d *deviceFlags) add(f *pflag.FlagSet) {
	f.StringVar(&d.device, "device", "auto", "the Vulkan device, by its number or a part of its `NAME`: see morton devices")
	f.Var(&d.memory, "memory-limit", "use at most `SIZE` of device memory, such as 512M or 4G; 0 is all of it")
	f.Var(&d.width, "subgroup", subgroupUsage+": see morton help devices")
	f.Var(&d.threads, "threads", threadsUsage+"; auto takes 1 where sharing costs more than it saves")
}

const (
	subgroupUsage = "subgroup `WIDTH` of all kernels, on every worker: auto, 4, 8, 16, 32 or 64"
	threadsUsage  = "on a CPU device, share an operation among `N` threads"
)

func (d *deviceFlags) options() gpu.Options {
	return gpu.Options{Device: d.device, MemoryLimit: uint64(d.memory), Threads: int(d.threads)}
}

// widthFlag is the subgroup width of all kernels; 0 means auto, the device's
// own.
type widthFlag int

var widthWords = map[string]widthFlag{"auto": 0, "4": 4, "8": 8, "16": 16, "32": 32, "64": 64}

func (w *widthFlag) Type() string   { return "width" }
func (w *widthFlag) String() string { return autoText(int(*w)) }

func (w *widthFlag) Set(text string) error {
	width, ok := widthWords[text]
	if !ok {
		return fmt.Errorf("it is one of auto, 4, 8, 16, 32 and 64")
	}
	*w = width
	return nil
}

// wanted is the width given on the command line or in MORTON_SUBGROUP; 0 means the
// device's own. Opening a device rejects a width that it does not support.
func (d *deviceFlags) wanted() int {
	if d.width == 0 {
		return int(widthWords[os.Getenv("MORTON_SUBGROUP")])
	}
	return int(d.width)
}

// threadsFlag is a number of threads; 0 means auto.
type threadsFlag int

func (n *threadsFlag) Type() string   { return "threads" }
func (n *threadsFlag) String() string { return autoText(int(*n)) }

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

// autoText formats a number, with 0 as auto.
func autoText(n int) string {
	if n == 0 {
		return "auto"
	}
	return strconv.Itoa(n)
}

// sizeFlag is a number of bytes, with K, M or G for powers of 1024.
type sizeFlag uint64

func (s *sizeFlag) Type() string   { return "size" }
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
