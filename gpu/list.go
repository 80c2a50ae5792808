package gpu

import (
	"errors"
	"fmt"
	"strings"

	"github.com/morton-gen/morton/gpu/vk"
)

// Info describes one device the loader offers.
type Info struct {
	Index       int    `json:"index"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Driver      string `json:"driver"`
	API         string `json:"api"`
	MemoryBytes uint64 `json:"memory_bytes"`
	Float16     bool   `json:"float16"`
	// Subgroup is the device's own width, and the range it offers; Width is the one
	// kernels would run at, 0 if none.
	Subgroup    int `json:"subgroup"`
	SubgroupMin int `json:"subgroup_min"`
	SubgroupMax int `json:"subgroup_max"`
	Width       int `json:"width"`
	// Types16 says that kernels which have the choice read f16 by the types of 16
	// bits. On lavapipe at 16 lanes that is one instruction, and a dozen otherwise.
	Types16 bool `json:"types_16"`
	// Threads are what a device on the CPU shares an operation among, see
	// [Options.Threads]; 0 for other devices.
	Threads int `json:"threads,omitempty"`
	// CoopMatrix is the shape of the device's cooperative matrices, or NoCoopMatrix
	// what they lack.
	CoopMatrix   CoopMatrix `json:"coop_matrix"`
	NoCoopMatrix string     `json:"no_coop_matrix,omitempty"`
	// Features are what the engine can use and not every device has.
	Features string `json:"features"`
	// Limits: of one allocation, of one workgroup's shared memory and threads.
	AllocationBytes  uint64 `json:"allocation_bytes"`
	SharedBytes      int    `json:"shared_bytes"`
	WorkgroupThreads int    `json:"workgroup_threads"`
	// HostVisible says that the host writes tensors in place, without a copy.
	HostVisible bool `json:"host_visible"`
	// Problem says why the device cannot be used; empty if it can.
	Problem string `json:"problem,omitempty"`
}

// List describes the devices the Vulkan loader offers, the usable and the not, as
// the environment's MORTON_SUBGROUP would have them. The error wraps [ErrNoDevice] if
// there is no loader, [ErrUnsupported] if there is no such width.
func List() ([]Info, error) {
	width, err := wantedWidth(Options{})
	if err != nil {
		return nil, err
	}
	in, ps, err := load(false, width, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out []Info
	for i, p := range ps {
		out = append(out, describe(i, p, width, 0))
	}
	return out, nil
}

// load makes an instance and lists its devices.
func load(validation bool, width, threads int) (*vk.Instance, []*vk.Physical, error) {
	defer presetThreads(threads)()
	presetWidth(width)
	in, err := vk.NewInstance(validation)
	if err != nil {
		return nil, nil, loadKind(err)
	}
	ps, err := in.Devices()
	if err != nil {
		in.Close()
		return nil, nil, loadKind(err)
	}
	return in, ps, nil
}

func loadKind(err error) error {
	switch {
	case errors.Is(err, vk.ErrNoLoader):
		return fmt.Errorf("gpu: %w: %v (install libvulkan1 and a driver such as mesa-vulkan-drivers)", ErrNoDevice, err)
	case errors.Is(err, vk.ErrLayerNotPresent):
		return &UnsupportedError{Device: "the Vulkan loader", Feature: "VK_LAYER_KHRONOS_validation (install vulkan-validationlayers)"}
	}
	return fmt.Errorf("gpu: %w: %v", ErrNoDevice, err)
}

// OnCPU is [Device.OnCPU] of the device.
func (i *Info) OnCPU() bool { return i.Type == vk.CPU.String() }

// Fault names what the device's driver is known to do wrong at a width, "" for
// nothing; a device is passed over for it.
func (i *Info) Fault(width int) string { return fault(i.Driver, width) }

func describe(i int, p *vk.Physical, width, threads int) Info {
	info := Info{
		Index: i, Name: p.Name, Type: p.Type.String(), Driver: driver(p),
		API:     fmt.Sprintf("%d.%d.%d", p.APIVersion>>22&0x7f, p.APIVersion>>12&0x3ff, p.APIVersion&0xfff),
		Float16: p.Float16, Features: features(p), Problem: missing(p, width),
		Subgroup: p.SubgroupSize, SubgroupMin: p.SubgroupMin, SubgroupMax: p.SubgroupMax, Width: chooseWidth(p, width),
		AllocationBytes: largest(p), SharedBytes: p.MaxShared, WorkgroupThreads: p.MaxInvocations,
	}
	info.Types16 = p.Type == vk.CPU && info.Width > 8 && p.Float16 && p.Int16
	if p.Type == vk.CPU {
		info.Threads = threads
		if threads == 0 {
			info.Threads = ownThreads()
		}
	}
	if t := memoryType(p, ^uint32(0)); t >= 0 {
		info.HostVisible = p.MemoryTypes[t].HostVisible
	}
	for _, h := range p.Heaps {
		if h.DeviceLocal {
			info.MemoryBytes = max(info.MemoryBytes, h.Size)
		}
	}
	info.CoopMatrix, info.NoCoopMatrix = coopMatrix(p)
	return info
}

// features names what is there, in a fixed order.
func features(p *vk.Physical) string {
	var out []string
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"float16", p.Float16},
		{"int8", p.Int8},
		{"int16", p.Int16},
		{"16-bit storage", p.Storage16},
		{"8-bit storage", p.Storage8},
		{"robust access", p.RobustAccess},
		{"memory budget", p.MemoryBudget},
		{"memory model", p.VulkanMemoryModel},
		{"cooperative matrices", p.CoopMatrix},
		{"timestamps", p.TimestampBits > 0},
	} {
		if f.has {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ", ")
}
