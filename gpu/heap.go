package gpu

import (
	"fmt"
	"sort"
	"sync"
	"unsafe"

	"github.com/morton-gen/morton/gpu/vk"
)

const (
	blockBytes = 64 << 20 // small tensors share blocks of this size
	alignBytes = 256      // every allocation's alignment; at least any device's own
)

// heap hands out ranges of large blocks, first fit. The number of Vulkan
// allocations stays small: drivers allow few (often 4096).
type heap struct {
	mu     sync.Mutex
	dev    *Device
	typ    int
	blocks []*block
	used   uint64 // bytes of all blocks
}

type block struct {
	*vk.Block
	free []span // sorted by offset, never touching
}

type span struct{ off, size uint64 }

// region is a range of a block.
type region struct {
	block *block
	span
}

func (r *region) addr() uint64 { return r.block.Addr + r.off }

func (r *region) host() unsafe.Pointer {
	if r.block.Host == nil {
		return nil
	}
	return unsafe.Add(r.block.Host, r.off)
}

func (h *heap) init(d *Device) error {
	h.dev, h.typ = d, -1
	best := -1
	for i, t := range d.vk.Physical.MemoryTypes {
		score := 0
		if t.DeviceLocal {
			score += 2
		}
		// Memory the host can write saves the staging copy, but only where that
		// window is the whole heap and not a small one.
		if t.HostVisible && t.Coherent && d.vk.Physical.Heaps[t.Heap].Size > 1<<30 {
			score++
		}
		if t.HostVisible && !t.Coherent {
			continue
		}
		if score > best {
			best, h.typ = score, i
		}
	}
	if h.typ < 0 {
		return &UnsupportedError{Device: d.info.Name, Feature: "a memory type storage buffers can use"}
	}
	return nil
}

// Available returns the bytes that can still be allocated.
func (h *heap) available() uint64 {
	n := h.dev.vk.Physical.Available(h.dev.vk.Physical.MemoryTypes[h.typ].Heap)
	if l := h.dev.opts.MemoryLimit; l > 0 {
		n = min(n, l-min(l, h.used))
	}
	return n
}

func (h *heap) alloc(size uint64) (*region, error) {
	size = (size + alignBytes - 1) &^ (alignBytes - 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.blocks {
		if r := b.take(size); r != nil {
			return r, nil
		}
	}
	b, err := h.grow(size)
	if err != nil {
		return nil, err
	}
	return b.take(size), nil
}

func (h *heap) grow(size uint64) (*block, error) {
	want := max(size, blockBytes)
	if a := h.available(); want > a {
		want = size
		if size > a {
			return nil, fmt.Errorf("gpu: %w", &OutOfMemoryError{Needed: size, Available: a})
		}
	}
	if m := h.dev.vk.Physical.MaxAllocation; m > 0 && size > m {
		return nil, fmt.Errorf("gpu: one allocation: %w", &OutOfMemoryError{Needed: size, Available: m})
	}
	v, err := h.dev.vk.Allocate(want, h.typ)
	if err != nil {
		if r, ok := err.(vk.Result); ok && (r == vk.ErrOutOfMemory || r == vk.ErrOutOfHostMemory) {
			return nil, fmt.Errorf("gpu: %w", &OutOfMemoryError{Needed: want, Available: h.available()})
		}
		return nil, kind("gpu: allocate", err)
	}
	b := &block{Block: v, free: []span{{0, want}}}
	h.blocks = append(h.blocks, b)
	h.used += want
	return b, nil
}

func (b *block) take(size uint64) *region {
	for i, s := range b.free {
		if s.size < size {
			continue
		}
		if s.size == size {
			b.free = append(b.free[:i], b.free[i+1:]...)
		} else {
			b.free[i] = span{s.off + size, s.size - size}
		}
		return &region{b, span{s.off, size}}
	}
	return nil
}

// release gives a region back, and its block with it once it is all free.
func (h *heap) release(r *region) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := r.block
	if b.Block == nil || h.dev.vk == nil {
		return
	}
	i := sort.Search(len(b.free), func(i int) bool { return b.free[i].off > r.off })
	b.free = append(b.free, span{})
	copy(b.free[i+1:], b.free[i:])
	b.free[i] = r.span
	b.merge(i)
	if len(b.free) == 1 && b.free[0].size == b.Size {
		h.drop(b)
	}
}

func (b *block) merge(i int) {
	if i+1 < len(b.free) && b.free[i].off+b.free[i].size == b.free[i+1].off {
		b.free[i].size += b.free[i+1].size
		b.free = append(b.free[:i+1], b.free[i+2:]...)
	}
	if i > 0 && b.free[i-1].off+b.free[i-1].size == b.free[i].off {
		b.free[i-1].size += b.free[i].size
		b.free = append(b.free[:i], b.free[i+1:]...)
	}
}

func (h *heap) drop(b *block) {
	for i, o := range h.blocks {
		if o == b {
			h.blocks = append(h.blocks[:i], h.blocks[i+1:]...)
			break
		}
	}
	h.used -= b.Size
	h.dev.vk.Free(b.Block)
	b.Block = nil
}

func (h *heap) destroy() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.blocks {
		h.dev.vk.Free(b.Block)
		b.Block = nil
	}
	h.blocks, h.used = nil, 0
}

// Used returns the bytes of device memory the device holds.
func (d *Device) Used() uint64 {
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	return d.heap.used
}

// Available returns the bytes of device memory that can still be allocated.
func (d *Device) Available() uint64 {
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	return d.heap.available()
}
