package gpu

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/gpu/vk"
)

// missing names the first thing the engine needs and the device lacks; width is
// what [chooseWidth] takes.
func missing(p *vk.Physical, width int) string {
	const (
		needOps = 0x1 | 0x4 | 0x8 | 0x10 // basic, arithmetic, ballot, shuffle
		compute = 0x20                   // the stage
	)
	switch {
	case p.APIVersion>>22&0x7f < 1 || p.APIVersion>>12&0x3ff < 3:
		return "Vulkan 1.3"
	case p.ComputeFamily < 0:
		return "a compute queue"
	case !p.BufferDeviceAddress:
		return "bufferDeviceAddress"
	case !p.Int64:
		return "shaderInt64"
	case !p.ScalarLayout:
		return "scalarBlockLayout"
	case !p.SubgroupControl || !p.FullSubgroups:
		return "subgroupSizeControl with full subgroups"
	case p.RequireStages&compute == 0:
		return "a required subgroup size for compute"
	case p.SubgroupOps&needOps != needOps || p.SubgroupStages&compute == 0:
		return "subgroup arithmetic, ballot and shuffle"
	case chooseWidth(p, width) == 0 && width != 0:
		return fmt.Sprintf("the subgroup width %d that was asked for (it has %d to %d)", width, p.SubgroupMin, p.SubgroupMax)
	case chooseWidth(p, width) == 0:
		return fmt.Sprintf("a subgroup width of 4, 8, 16, 32 or 64 (it has %d to %d)", p.SubgroupMin, p.SubgroupMax)
	}
	return fault(driver(p), chooseWidth(p, width))
}

// driver is the driver's name and version.
func driver(p *vk.Physical) string { return strings.TrimSpace(p.Driver + " " + p.DriverInfo) }

// fault names what a driver is known to do wrong at a width, as something it lacks.
func fault(driver string, width int) string {
	if width == 16 && strings.HasPrefix(driver, "llvmpipe Mesa 26.2") {
		return "16 lanes that work (in Mesa 26.2 lavapipe smashes its stack at them)"
	}
	return ""
}

var rank = map[vk.DeviceType]int{vk.Discrete: 0, vk.Virtual: 1, vk.Integrated: 2, vk.Other: 3, vk.CPU: 4}

// choose picks a device by Options.Device. A device that was asked for by name
// or number and lacks something gives an [UnsupportedError].
func choose(ps []*vk.Physical, want string, width int) (int, error) {
	best := -1
	var why []*UnsupportedError
	for i, p := range ps {
		if !wanted(i, len(ps), p, want) {
			continue
		}
		if m := missing(p, width); m != "" {
			why = append(why, &UnsupportedError{Device: p.Name, Feature: m})
			continue
		}
		if best < 0 || rank[p.Type] < rank[ps[best].Type] {
			best = i
		}
	}
	if best >= 0 {
		return best, nil
	}
	switch {
	case len(ps) == 0:
		return 0, fmt.Errorf("gpu.Open: %w: the loader lists none (install a driver such as mesa-vulkan-drivers)", ErrNoDevice)
	case len(why) == 0:
		return 0, fmt.Errorf("gpu.Open: %w: none of %d is %q", ErrNoDevice, len(ps), want)
	case !auto(want):
		return 0, fmt.Errorf("gpu.Open: %w", why[0])
	}
	var text []string
	for _, w := range why {
		text = append(text, fmt.Sprintf("%s lacks %s", w.Device, w.Feature))
	}
	return 0, fmt.Errorf("gpu.Open: %w: %s", ErrNoDevice, strings.Join(text, "; "))
}

// auto reports whether Options.Device leaves the choice to us.
func auto(want string) bool { return want == "" || want == "auto" }

// wanted reports whether device i of n is one want means. A number past the
// list is part of a name, such as 4090.
func wanted(i, n int, p *vk.Physical, want string) bool {
	if auto(want) {
		return true
	}
	if k, err := strconv.Atoi(want); err == nil && k < n {
		return k == i
	}
	return strings.Contains(strings.ToLower(p.Name), strings.ToLower(want))
}
