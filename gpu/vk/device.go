package vk

/*
#include "shim.h"
*/
import "C"

import (
	"runtime"
	"time"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Device is a logical device with one compute queue, one pipeline layout (128
// bytes of push constants, no descriptor sets) and one command pool.
type Device struct {
	Physical *Physical
	c        *C.mv_device
}

// Open creates the logical device. robust asks for bounds checks where the
// device offers them.
func (p *Physical) Open(robust bool) (*Device, error) {
	d := &Device{Physical: p}
	var r C.int
	if robust {
		r = 1
	}
	if err := check(C.mv_device_create(p.in.c, unsafe.Pointer(p.handle), &p.info, r, &d.c)); err != nil {
		return nil, err
	}
	return d, nil
}

// Close waits for the device and destroys it.
func (d *Device) Close() {
	C.mv_device_destroy(d.c)
	d.c = nil
}

func (d *Device) handle() vulkan.Device { return vulkan.Device(C.mv_device_handle(d.c)) }

// Block is one allocation: a buffer over the whole of its own memory.
type Block struct {
	Buffer uint64         // VkBuffer
	Addr   uint64         // device address of the first byte
	Size   uint64         // bytes
	Host   unsafe.Pointer // mapped address, nil where the host cannot see it
	memory vulkan.DeviceMemory
	buffer vulkan.Buffer
}

// BufferTypes returns the memory types a block may use, one bit a type.
func (d *Device) BufferTypes() (uint32, error) {
	b := &Block{Size: 256}
	if err := d.createBuffer(b); err != nil {
		return 0, err
	}
	defer d.Free(b)
	var req vulkan.MemoryRequirements
	vulkan.GetBufferMemoryRequirements(d.handle(), b.buffer, &req)
	req.Deref()
	defer req.Free()
	return req.MemoryTypeBits, nil
}

const bufferUsage = 0x1 | 0x2 | 0x20 | 0x20000 // transfer src, dst, storage, device address

// Allocate makes a block of size bytes in the given memory type.
func (d *Device) Allocate(size uint64, memoryType int) (*Block, error) {
	b := &Block{Size: size}
	if err := d.createBuffer(b); err != nil {
		return nil, err
	}
	var req vulkan.MemoryRequirements
	vulkan.GetBufferMemoryRequirements(d.handle(), b.buffer, &req)
	req.Deref()
	need := req.Size
	req.Free()
	info := vulkan.MemoryAllocateInfo{
		SType:           vulkan.StructureTypeMemoryAllocateInfo,
		PNext:           C.mv_address_flags(),
		AllocationSize:  need,
		MemoryTypeIndex: uint32(memoryType),
	}
	r := vulkan.AllocateMemory(d.handle(), &info, nil, &b.memory)
	info.Free()
	if r == vulkan.Success {
		r = vulkan.BindBufferMemory(d.handle(), b.buffer, b.memory, 0)
	}
	if r == vulkan.Success && d.Physical.MemoryTypes[memoryType].HostVisible {
		r = vulkan.MapMemory(d.handle(), b.memory, 0, vulkan.DeviceSize(size), 0, &b.Host)
	}
	if r != vulkan.Success {
		d.Free(b)
		return nil, Result(r)
	}
	b.Addr = uint64(C.mv_buffer_address(d.c, C.uint64_t(b.Buffer)))
	return b, nil
}

func (d *Device) createBuffer(b *Block) error {
	info := vulkan.BufferCreateInfo{
		SType: vulkan.StructureTypeBufferCreateInfo,
		Size:  vulkan.DeviceSize(b.Size),
		Usage: vulkan.BufferUsageFlags(bufferUsage),
	}
	r := vulkan.CreateBuffer(d.handle(), &info, nil, &b.buffer)
	info.Free()
	if r != vulkan.Success {
		return Result(r)
	}
	b.Buffer = uint64(uintptr(unsafe.Pointer(b.buffer)))
	return nil
}

// Free gives a block's memory back.
func (d *Device) Free(b *Block) {
	if b.buffer != nil {
		vulkan.DestroyBuffer(d.handle(), b.buffer, nil)
	}
	if b.memory != nil {
		vulkan.FreeMemory(d.handle(), b.memory, nil)
	}
	*b = Block{}
}

// Pipeline is a VkPipeline.
type Pipeline uint64

// Source is what a pipeline is made of: a SPIR-V compute shader with its entry
// point main, the specialization constants 0, 1, 2, …, and the subgroup width to
// require, 0 for the device's own choice.
type Source struct {
	SPIRV, Spec []uint32
	Subgroup    int
}

// AddCache gives the device a pipeline cache that holds what [Device.CacheData]
// returned, of the same device under the same driver; nil begins an empty one. Called
// again it adds to the cache. The bytes must not have changed, as not every driver
// bears that. No pipeline may be made at the same time.
func (d *Device) AddCache(data []byte) error {
	defer runtime.KeepAlive(data)
	return check(C.mv_cache_add(d.c, unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data))))
}

// CacheData returns what the driver keeps of the pipelines made so far, nil where it
// keeps nothing or there is no cache.
func (d *Device) CacheData() []byte {
	var n C.size_t
	data := C.mv_cache_get(d.c, &n)
	if data == nil {
		return nil
	}
	defer C.mv_bytes_free(data)
	return C.GoBytes(data, C.int(n))
}

// NewPipeline compiles a shader, with the help of the device's cache if it has one.
func (d *Device) NewPipeline(s Source) (Pipeline, error) {
	var out C.uint64_t
	r := C.mv_pipeline_create(d.c, words(s.SPIRV), C.size_t(len(s.SPIRV)*4), words(s.Spec), C.uint32_t(len(s.Spec)), C.uint32_t(s.Subgroup), &out)
	runtime.KeepAlive(s)
	return Pipeline(out), check(r)
}

func words(w []uint32) *C.uint32_t { return (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(w))) }

// DestroyPipeline frees a pipeline.
func (d *Device) DestroyPipeline(p Pipeline) { C.mv_pipeline_destroy(d.c, C.uint64_t(p)) }

// Kinds of Op.
const (
	Dispatch = iota
	Fill
	Copy
)

// Op is one recorded operation, laid out as mv_op of shim.h.
type Op struct {
	Kind, Barrier         uint32
	Groups                [3]uint32
	PushOffset, PushBytes uint32
	Value                 uint32
	Pipeline              Pipeline
	Dst, DstOffset        uint64
	Src, SrcOffset, Bytes uint64
}

// Commands is a recorded VkCommandBuffer that may be submitted any number of
// times, also several times in one submit.
type Commands uint64

var (
	_ [unsafe.Sizeof(Op{}) - unsafe.Sizeof(C.mv_op{})]struct{} // the two layouts agree in size
	_ [unsafe.Sizeof(C.mv_op{}) - unsafe.Sizeof(Op{})]struct{}
)

// Queries are places for a device's clock, see [Device.RecordTimed].
type Queries uint64

// NewQueries makes n of them, 2 or more.
func (d *Device) NewQueries(n int) (Queries, error) {
	var out C.uint64_t
	r := C.mv_queries_create(d.c, C.uint32_t(n), &out)
	return Queries(out), check(r)
}

// DestroyQueries frees them; commands that name them must not run any more.
func (d *Device) DestroyQueries(q Queries) { C.mv_queries_destroy(d.c, C.uint64_t(q)) }

// Timestamps reads what commands that have ended left in the first of them: the
// device's clock in units of [Physical].TimestampNanos, its TimestampBits low bits.
func (d *Device) Timestamps(q Queries, out []uint64) error {
	return check(C.mv_queries_read(d.c, C.uint64_t(q), C.uint32_t(len(out)), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(out)))))
}

// Record records ops in order; push holds their push constants.
func (d *Device) Record(ops []Op, push []byte) (Commands, error) { return d.RecordTimed(ops, push, 0) }

// RecordTimed records ops too, which leave the device's clock in queries, one more
// than there are ops: before the first and after each.
func (d *Device) RecordTimed(ops []Op, push []byte, q Queries) (Commands, error) {
	if len(ops) == 0 {
		return 0, nil
	}
	if len(push) == 0 {
		push = []byte{0}
	}
	var out C.uint64_t
	r := C.mv_record(d.c, (*C.mv_op)(unsafe.Pointer(&ops[0])), C.uint32_t(len(ops)), (*C.uint8_t)(unsafe.Pointer(&push[0])), C.uint64_t(q), &out)
	return Commands(out), check(r)
}

// FreeCommands gives recorded commands back; they must not be running.
func (d *Device) FreeCommands(c Commands) {
	if c != 0 {
		C.mv_record_free(d.c, C.uint64_t(c))
	}
}

// Fence tells when a submit has ended.
type Fence uint64

// NewFence makes a fence.
func (d *Device) NewFence() (Fence, error) {
	var out C.uint64_t
	r := C.mv_fence_create(d.c, &out)
	return Fence(out), check(r)
}

// DestroyFence frees a fence; 0 is none.
func (d *Device) DestroyFence(f Fence) { C.mv_fence_destroy(d.c, C.uint64_t(f)) }

// Submit starts the commands, one or more, in order. It must not be called from two
// goroutines at once, nor with a fence that a submit before is not waited for on.
func (d *Device) Submit(cmds []Commands, f Fence) error {
	return check(C.mv_submit(d.c, (*C.uint64_t)(unsafe.Pointer(&cmds[0])), C.uint32_t(len(cmds)), C.uint64_t(f)))
}

// Wait waits for a submit to end. The error is a [Result]: [ErrDeviceLost], or
// [Timeout].
func (d *Device) Wait(f Fence, timeout time.Duration) error {
	return check(C.mv_wait(d.c, C.uint64_t(f), C.uint64_t(timeout.Nanoseconds())))
}
