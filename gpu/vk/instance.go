package vk

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// ErrNoLoader reports that the Vulkan loader (libvulkan.so.1) is not installed.
var ErrNoLoader = errors.New("no Vulkan loader")

// Result is a VkResult other than success.
type Result int32

// Results callers branch on.
const (
	Timeout             Result = 2
	ErrOutOfHostMemory  Result = -1
	ErrOutOfMemory      Result = -2
	ErrDeviceLost       Result = -4
	ErrLayerNotPresent  Result = -6
	ErrIncompatible     Result = -9
	ErrUnknown          Result = -13
	ErrInvalidExternals Result = -1000072003
)

func (r Result) Error() string {
	if err := vulkan.Error(vulkan.Result(r)); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("vulkan result %d", int32(r))
}

func check(r C.int) error {
	if r == 0 {
		return nil
	}
	return Result(r)
}

var load = sync.OnceValue(func() error {
	p := C.mv_load()
	if p == nil {
		return ErrNoLoader
	}
	vulkan.SetGetInstanceProcAddr(p)
	return vulkan.Init()
})

// first makes the process's first instance, which is never destroyed: a driver whose
// last instance goes is unloaded, and NVIDIA's (580) can be loaded again some 60 times
// only. It fills vulkan-go's table of functions, which is one for the process: the
// loader's own entry points, which find an object's driver and layers themselves.
var first = sync.OnceValue(func() error {
	var c *C.mv_instance
	if err := check(C.mv_instance_create(0, &c)); err != nil {
		return err
	}
	return vulkan.InitInstance(vulkan.Instance(C.mv_instance_handle(c)))
})

// Instance is a connection to the Vulkan loader.
type Instance struct{ c *C.mv_instance }

// NewInstance opens the loader, with the Khronos validation layer if asked. It
// returns [ErrNoLoader], or a [Result] such as [ErrLayerNotPresent].
func NewInstance(validation bool) (*Instance, error) {
	if err := load(); err != nil {
		return nil, err
	}
	if err := first(); err != nil {
		return nil, err
	}
	var v C.int
	if validation {
		v = 1
	}
	in := &Instance{}
	if err := check(C.mv_instance_create(v, &in.c)); err != nil {
		return nil, err
	}
	return in, nil
}

// Close destroys the instance; its devices must be closed before.
func (in *Instance) Close() {
	C.mv_instance_destroy(in.c)
	in.c = nil
}

// TakeMessages returns how many validation messages came in this process since
// the last call, and the text of the first ones.
func TakeMessages() (int, string) {
	const n = 1 << 16
	buf := C.malloc(n)
	defer C.free(buf)
	count := C.mv_messages_take((*C.char)(buf), n)
	return int(count), C.GoString((*C.char)(buf))
}

// Physical is a physical device and what it can do.
type Physical struct {
	Name, Driver, DriverInfo            string
	DeviceUUID, DriverUUID              [16]byte
	Type                                DeviceType
	APIVersion, DriverVersion           uint32
	VendorID, DeviceID                  uint32
	SubgroupSize                        int
	SubgroupMin, SubgroupMax            int
	SubgroupOps                         uint32
	SubgroupStages, RequireStages       uint32 // stages with subgroup operations, with a required width
	MaxPush, MaxShared, MaxInvocations  int
	MaxGroups                           [3]uint32
	MaxAllocation, MaxBuffer            uint64
	TimestampNanos                      float32
	TimestampBits                       int // of the compute queue's clock; 0: it has none
	ComputeFamily                       int
	BufferDeviceAddress, Int64, Float16 bool
	Int8, Int16, Storage16, Storage8    bool
	SubgroupControl, FullSubgroups      bool
	ScalarLayout, RobustAccess          bool
	MemoryBudget, VulkanMemoryModel     bool
	CoopMatrix                          bool // VK_KHR_cooperative_matrix
	CoopShapes                          []CoopShape
	MemoryTypes                         []MemoryType
	Heaps                               []Heap

	in     *Instance
	handle vulkan.PhysicalDevice
	info   C.mv_info
}

// CoopShape is one shape of cooperative matrices, C[m, n] += A[m, k]·B[k, n].
type CoopShape struct {
	M, N, K         int
	A, B, C, Result ComponentType
	Saturating      bool
	Scope           Scope
}

// ComponentType is a VkComponentTypeKHR.
type ComponentType uint32

// Component types that callers name.
const (
	Float16 ComponentType = 0
	Float32 ComponentType = 1
)

// Scope is a VkScopeKHR.
type Scope uint32

// SubgroupScope is that of matrices that a subgroup shares.
const SubgroupScope Scope = 3

// DeviceType is a VkPhysicalDeviceType.
type DeviceType uint32

// Kinds of device.
const (
	Other DeviceType = iota
	Integrated
	Discrete
	Virtual
	CPU
)

func (t DeviceType) String() string {
	names := [...]string{"other", "integrated GPU", "discrete GPU", "virtual GPU", "CPU"}
	if int(t) < len(names) {
		return names[t]
	}
	return "unknown"
}

// MemoryType is one kind of memory: its heap and property flags.
type MemoryType struct {
	Heap                               int
	DeviceLocal, HostVisible, Coherent bool
	Cached                             bool // the host reads it at memory speed
	// Special memory needs a feature or flag we do not ask for: protected,
	// lazily allocated, or a vendor's own kind.
	Special bool
}

// Heap is one pool of device memory.
type Heap struct {
	Size        uint64
	DeviceLocal bool
}

// Devices lists the physical devices in the loader's order.
func (in *Instance) Devices() ([]*Physical, error) {
	h := vulkan.Instance(C.mv_instance_handle(in.c))
	var n uint32
	if r := vulkan.EnumeratePhysicalDevices(h, &n, nil); r != vulkan.Success {
		return nil, Result(r)
	}
	handles := make([]vulkan.PhysicalDevice, n)
	if n > 0 {
		if r := vulkan.EnumeratePhysicalDevices(h, &n, handles); r != vulkan.Success {
			return nil, Result(r)
		}
	}
	var out []*Physical
	for _, p := range handles[:n] {
		out = append(out, in.describe(p))
	}
	return out, nil
}

func (in *Instance) describe(h vulkan.PhysicalDevice) *Physical {
	p := &Physical{in: in, handle: h}
	C.mv_physical_info(in.c, unsafe.Pointer(h), &p.info)
	i := &p.info
	p.Name, p.Driver, p.DriverInfo = C.GoString(&i.name[0]), C.GoString(&i.driver[0]), C.GoString(&i.driver_info[0])
	for k := range 16 {
		p.DeviceUUID[k], p.DriverUUID[k] = byte(i.device_uuid[k]), byte(i.driver_uuid[k])
	}
	p.Type = DeviceType(i._type)
	p.APIVersion, p.DriverVersion = uint32(i.api_version), uint32(i.driver_version)
	p.VendorID, p.DeviceID = uint32(i.vendor_id), uint32(i.device_id)
	p.SubgroupSize, p.SubgroupOps = int(i.subgroup_size), uint32(i.subgroup_ops)
	p.SubgroupStages, p.RequireStages = uint32(i.subgroup_stages), uint32(i.require_stages)
	p.SubgroupMin, p.SubgroupMax = int(i.subgroup_min), int(i.subgroup_max)
	p.MaxPush, p.MaxShared, p.MaxInvocations = int(i.max_push), int(i.max_shared), int(i.max_invocations)
	for k := range 3 {
		p.MaxGroups[k] = uint32(i.max_groups[k])
	}
	p.MaxAllocation, p.MaxBuffer = uint64(i.max_allocation), uint64(i.max_buffer)
	p.TimestampNanos, p.ComputeFamily = float32(i.timestamp_ns), int(i.compute_family)
	p.TimestampBits = int(i.timestamp_bits)
	p.BufferDeviceAddress, p.Int64, p.Float16 = i.buffer_device_address != 0, i.int64 != 0, i.float16 != 0
	p.Int8, p.Int16, p.Storage16, p.Storage8 = i.int8 != 0, i.int16 != 0, i.storage16 != 0, i.storage8 != 0
	p.SubgroupControl, p.FullSubgroups = i.subgroup_control != 0, i.full_subgroups != 0
	p.ScalarLayout, p.RobustAccess = i.scalar_layout != 0, i.robust_access != 0
	p.MemoryBudget, p.VulkanMemoryModel = i.memory_budget != 0, i.vulkan_memory_model != 0
	p.CoopMatrix = i.coop_matrix != 0
	p.describeMemory()
	p.describeCoop()
	return p
}

func (p *Physical) describeCoop() {
	if !p.CoopMatrix {
		return
	}
	var s [256]C.mv_coop_shape
	n := C.mv_coop_shapes(p.in.c, unsafe.Pointer(p.handle), &s[0], C.uint32_t(len(s)))
	for _, c := range s[:n] {
		p.CoopShapes = append(p.CoopShapes, CoopShape{
			int(c.m), int(c.n), int(c.k), ComponentType(c.a), ComponentType(c.b), ComponentType(c.c), ComponentType(c.result), c.saturating != 0, Scope(c.scope),
		})
	}
}

func (p *Physical) describeMemory() {
	var m vulkan.PhysicalDeviceMemoryProperties
	vulkan.GetPhysicalDeviceMemoryProperties(p.handle, &m)
	m.Deref()
	for k := range m.MemoryTypeCount {
		t := m.MemoryTypes[k]
		t.Deref()
		f := vulkan.MemoryPropertyFlagBits(t.PropertyFlags)
		p.MemoryTypes = append(p.MemoryTypes, MemoryType{
			Heap:        int(t.HeapIndex),
			DeviceLocal: f&vulkan.MemoryPropertyDeviceLocalBit != 0,
			HostVisible: f&vulkan.MemoryPropertyHostVisibleBit != 0,
			Coherent:    f&vulkan.MemoryPropertyHostCoherentBit != 0,
			Cached:      f&vulkan.MemoryPropertyHostCachedBit != 0,
			Special:     f&^0xf != 0, // device local, host visible, coherent, cached
		})
	}
	for k := range m.MemoryHeapCount {
		h := m.MemoryHeaps[k]
		h.Deref()
		local := vulkan.MemoryHeapFlagBits(h.Flags)&vulkan.MemoryHeapDeviceLocalBit != 0
		p.Heaps = append(p.Heaps, Heap{Size: uint64(h.Size), DeviceLocal: local})
	}
	m.Free()
}

// Available returns the bytes that can still be allocated from a heap: the
// driver's budget where it tells one, the heap's size otherwise.
func (p *Physical) Available(heap int) uint64 {
	return uint64(C.mv_heap_available(p.in.c, unsafe.Pointer(p.handle), C.uint32_t(heap)))
}
