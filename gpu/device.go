package gpu

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// Options select and configure a device. The zero value takes the best device.
type Options struct {
	// Device is "auto" or "" for the best device (a discrete GPU, an integrated
	// one, then one on the CPU), a number of the list [List] returns, or part of
	// a device's name.
	Device string
	// MemoryLimit bounds what the device may allocate, in bytes; 0 means what
	// the driver reports as available.
	MemoryLimit uint64
	// Validation loads the Khronos validation layer; see [Device.Validation].
	Validation bool
	// BarrierAll places a barrier before every operation. Results must not
	// change by a bit; it exists to find a missing dependency.
	BarrierAll bool
	// Robust asks the driver for bounds checks where it has them.
	Robust bool
}

// Info describes one device the loader offers.
type Info struct {
	Index       int    `json:"index"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Driver      string `json:"driver"`
	API         string `json:"api"`
	Subgroup    int    `json:"subgroup"`
	MemoryBytes uint64 `json:"memory_bytes"`
	Float16     bool   `json:"float16"`
	// Problem says why the device cannot be used; empty if it can.
	Problem string `json:"problem,omitempty"`
}

// Device is an open Vulkan compute device.
type Device struct {
	opts     Options
	info     Info
	instance *vk.Instance
	vk       *vk.Device
	heap     heap
	width    int // subgroup width every kernel runs at

	mu        sync.Mutex // guards runs, staging and lost
	lost      bool
	staging   *vk.Block
	pipelines pipelineCache
}

// runTimeout bounds the wait for one submit. Submits are kept far shorter; a
// device that has not answered by then never will.
const runTimeout = 10 * time.Minute

// List describes the devices the Vulkan loader offers, the usable and the not.
// The error wraps [ErrNoDevice] if there is no loader.
func List() ([]Info, error) {
	in, err := newInstance(false)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	ps, err := in.Devices()
	if err != nil {
		return nil, fmt.Errorf("gpu.List: %w", err)
	}
	var out []Info
	for i, p := range ps {
		out = append(out, describe(i, p))
	}
	return out, nil
}

func newInstance(validation bool) (*vk.Instance, error) {
	in, err := vk.NewInstance(validation)
	switch {
	case errors.Is(err, vk.ErrNoLoader):
		return nil, fmt.Errorf("gpu: %w: %v (install libvulkan1 and a driver such as mesa-vulkan-drivers)", ErrNoDevice, err)
	case errors.Is(err, vk.ErrLayerNotPresent):
		return nil, &UnsupportedError{Device: "the Vulkan loader", Feature: "VK_LAYER_KHRONOS_validation (install vulkan-validationlayers)"}
	case err != nil:
		return nil, fmt.Errorf("gpu: %w: %v", ErrNoDevice, err)
	}
	return in, nil
}

func describe(i int, p *vk.Physical) Info {
	info := Info{
		Index: i, Name: p.Name, Type: p.Type.String(), Driver: strings.TrimSpace(p.Driver + " " + p.DriverInfo),
		API:      fmt.Sprintf("%d.%d.%d", p.APIVersion>>22&0x7f, p.APIVersion>>12&0x3ff, p.APIVersion&0xfff),
		Subgroup: p.SubgroupSize, Float16: p.Float16, Problem: missing(p),
	}
	for _, h := range p.Heaps {
		if h.DeviceLocal {
			info.MemoryBytes = max(info.MemoryBytes, h.Size)
		}
	}
	return info
}

// missing names the first thing the engine needs and the device lacks.
func missing(p *vk.Physical) string {
	const needOps = 0x1 | 0x4 | 0x10 // basic, arithmetic, shuffle
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
	case p.SubgroupOps&needOps != needOps:
		return "subgroup arithmetic and shuffle"
	case chooseWidth(p) == 0:
		return fmt.Sprintf("a subgroup width of 4, 8, 16, 32 or 64 (it has %d to %d)", p.SubgroupMin, p.SubgroupMax)
	}
	return ""
}

// chooseWidth returns the subgroup width kernels run at, 0 if none fits.
func chooseWidth(p *vk.Physical) int {
	for _, w := range []int{p.SubgroupSize, 32, 16, 8, 64, 4} {
		ok := w == 4 || w == 8 || w == 16 || w == 32 || w == 64
		if ok && w >= p.SubgroupMin && w <= p.SubgroupMax {
			return w
		}
	}
	return 0
}

// Open opens a device. Errors: [ErrNoDevice], [ErrUnsupported] for a device
// named in opts that lacks a feature, or for a missing validation layer.
func Open(opts Options) (*Device, error) {
	in, err := newInstance(opts.Validation)
	if err != nil {
		return nil, err
	}
	d, err := open(in, opts)
	if err != nil {
		in.Close()
		return nil, err
	}
	return d, nil
}

func open(in *vk.Instance, opts Options) (*Device, error) {
	ps, err := in.Devices()
	if err != nil {
		return nil, fmt.Errorf("gpu.Open: %w: %v", ErrNoDevice, err)
	}
	i, err := choose(ps, opts.Device)
	if err != nil {
		return nil, err
	}
	p := ps[i]
	v, err := p.Open(opts.Robust)
	if err != nil {
		return nil, kind("gpu.Open: "+p.Name, err)
	}
	d := &Device{opts: opts, info: describe(i, p), instance: in, vk: v, width: chooseWidth(p)}
	d.pipelines.byKey = map[string]vk.Pipeline{}
	if err := d.heap.init(d); err != nil {
		v.Close()
		return nil, err
	}
	return d, nil
}

var rank = map[vk.DeviceType]int{vk.Discrete: 0, vk.Virtual: 1, vk.Integrated: 2, vk.Other: 3, vk.CPU: 4}

// choose picks a device by Options.Device.
func choose(ps []*vk.Physical, want string) (int, error) {
	best := -1
	var why []string
	for i, p := range ps {
		if !wanted(i, p, want) {
			continue
		}
		if m := missing(p); m != "" {
			why = append(why, fmt.Sprintf("%s lacks %s", p.Name, m))
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
	}
	return 0, fmt.Errorf("gpu.Open: %w: %s", ErrNoDevice, strings.Join(why, "; "))
}

func wanted(i int, p *vk.Physical, want string) bool {
	if want == "" || want == "auto" {
		return true
	}
	if n, err := strconv.Atoi(want); err == nil {
		return n == i
	}
	return strings.Contains(strings.ToLower(p.Name), strings.ToLower(want))
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// SubgroupWidth returns W, the number of lanes every kernel runs with.
func (d *Device) SubgroupWidth() int { return d.width }

// OnCPU reports whether the device is a CPU (Mesa's lavapipe), whose kernels
// want other shapes than a GPU's.
func (d *Device) OnCPU() bool { return d.vk.Physical.Type == vk.CPU }

// Validation returns the number of validation messages since the last call and
// their text; always 0 unless opened with Options.Validation.
func (d *Device) Validation() (int, string) {
	n, text := vk.Messages()
	vk.ClearMessages()
	return n, text
}

// Close frees everything the device holds, its tensors and programs with it.
func (d *Device) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.vk == nil {
		return
	}
	d.pipelines.destroy(d.vk)
	if d.staging != nil {
		d.vk.Free(d.staging)
	}
	d.heap.destroy()
	d.vk.Close()
	d.instance.Close()
	d.vk = nil
}

// run submits commands and waits for them.
func (d *Device) run(cmds []vk.Commands) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runLocked(cmds)
}

func (d *Device) runLocked(cmds []vk.Commands) error {
	if d.lost || d.vk == nil {
		return fmt.Errorf("gpu: %w", ErrDeviceLost)
	}
	if err := d.vk.Run(cmds, runTimeout); err != nil {
		err = kind("gpu: run", err)
		d.lost = d.lost || errors.Is(err, ErrDeviceLost)
		return err
	}
	return nil
}

// Required reports whether the environment demands a device (MORTON_GPU is
// "required"), in which case tests fail where they would skip for want of one.
func Required() bool { return os.Getenv("MORTON_GPU") == "required" }
