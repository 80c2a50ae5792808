package gpu

import (
	"errors"
	"fmt"
	"math"
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
	blocks []*block
	used   uint64 // bytes of all blocks

	guards          guards
	typ, stagingTyp int // memory types of blocks and of the staging window; -1: none
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

// host is the whole block as the host sees it, nil where it does not.
func (b *block) host() []byte {
	if b.Host == nil {
		return nil
	}
	return unsafe.Slice((*byte)(b.Host), b.Size)
}

func (h *heap) init(d *Device) error {
	h.dev = d
	usable, err := d.vk.BufferTypes()
	if err != nil {
		return kind("gpu.Open: "+d.info.Name, err)
	}
	h.typ, h.stagingTyp = memoryType(d.vk.Physical, usable), stagingType(d.vk.Physical, usable)
	if h.typ < 0 {
		return &UnsupportedError{Device: d.info.Name, Feature: "a memory type storage buffers can use"}
	}
	if d.opts.Guard && (d.opts.hideMemory || !d.vk.Physical.MemoryTypes[h.typ].HostVisible) {
		return &UnsupportedError{Device: d.info.Name, Feature: "memory the host can see, for guards"}
	}
	return nil
}

// memoryType picks the memory tensors live in, among the types whose bit is set
// in usable; -1 if there is none.
func memoryType(p *vk.Physical, usable uint32) int {
	best, typ := -1, -1
	for i, t := range p.MemoryTypes {
		if usable>>i&1 == 0 || t.Special || t.HostVisible && !t.Coherent {
			continue
		}
		score := 0
		if t.DeviceLocal {
			score += 2
		}
		// Memory the host can write saves the staging copy, but only where that
		// window is the whole heap and not a small one.
		if t.HostVisible && p.Heaps[t.Heap].Size > 1<<30 {
			score++
		}
		if score > best {
			best, typ = score, i
		}
	}
	return typ
}

// stagingType picks host memory for copies from and to the device, cached if
// possible, since the host also reads it; -1 if there is none.
func stagingType(p *vk.Physical, usable uint32) int {
	typ := -1
	for i, t := range p.MemoryTypes {
		if usable>>i&1 == 0 || t.Special || !t.HostVisible || !t.Coherent {
			continue
		}
		if typ < 0 || t.Cached && !p.MemoryTypes[typ].Cached {
			typ = i
		}
	}
	return typ
}

// available returns the bytes that can still be allocated.
func (h *heap) available() uint64 {
	n := h.dev.vk.Physical.Available(h.dev.vk.Physical.MemoryTypes[h.typ].Heap)
	if l := h.dev.opts.MemoryLimit; l > 0 {
		n = min(n, l-min(l, h.used))
	}
	return n
}

func (h *heap) alloc(size uint64) (*region, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.dev.opts.Guard {
		return h.find(roundUp(size))
	}
	r, err := h.find(roundUp(size) + 2*guardBytes)
	if err != nil {
		return nil, err
	}
	return h.guards.guarded(r), nil
}

// piece is the largest region that [heap.alloc] gives, or less.
func (h *heap) piece() uint64 {
	m := min(largest(h.dev.vk.Physical), 1<<62)
	if p := h.dev.opts.piece; p > 0 {
		m = min(m, p)
	}
	return (m - 2*guardBytes) &^ (alignBytes - 1)
}

// pieces returns regions of so many bytes together, all but the last of [heap.piece].
func (h *heap) pieces(bytes uint64) (out []*region, err error) {
	for left := bytes; left > 0; left -= min(h.piece(), left) {
		r, err := h.alloc(min(h.piece(), left))
		if err != nil {
			h.releaseAll(out)
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// releaseAll gives regions back.
func (h *heap) releaseAll(all []*region) {
	for _, r := range all {
		h.release(r)
	}
}

// find takes a range of a block, or of a new one.
func (h *heap) find(size uint64) (*region, error) {
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
	if m := largest(h.dev.vk.Physical); size > m {
		return nil, fmt.Errorf("gpu: one allocation: %w", &OutOfMemoryError{Needed: size, Available: m})
	}
	v, err := h.dev.vk.Allocate(want, h.typ)
	if outOfMemory(err) && want > size {
		v, err = h.dev.vk.Allocate(size, h.typ)
	}
	switch {
	case outOfMemory(err):
		return nil, fmt.Errorf("gpu: %w", &OutOfMemoryError{Needed: size, Available: h.available()})
	case err != nil:
		return nil, kind("gpu: allocate", err)
	}
	if h.dev.opts.hideMemory {
		v.Host = nil
	}
	b := &block{Block: v, free: []span{{0, v.Size}}}
	h.blocks = append(h.blocks, b)
	h.used += v.Size
	return b, nil
}

// largest is the size of the largest block the device makes.
func largest(p *vk.Physical) uint64 {
	m := uint64(math.MaxUint64)
	for _, limit := range []uint64{p.MaxAllocation, p.MaxBuffer} {
		if limit > 0 {
			m = min(m, limit)
		}
	}
	return m
}

func outOfMemory(err error) bool {
	return errors.Is(err, vk.ErrOutOfMemory) || errors.Is(err, vk.ErrOutOfHostMemory)
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
	if h.guards.live[r] {
		r = h.guards.unguarded(r)
	}
	r.block.give(r.span)
	if b := r.block; len(b.free) == 1 && b.free[0].size == b.Size {
		h.drop(b)
	}
}

// give adds a span to the free ones.
func (b *block) give(s span) {
	i := sort.Search(len(b.free), func(i int) bool { return b.free[i].off > s.off })
	b.free = append(b.free, span{})
	copy(b.free[i+1:], b.free[i:])
	b.free[i] = s
	b.merge(i)
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

// Available returns the bytes of device memory that can still be allocated, 0
// after Close.
func (d *Device) Available() uint64 {
	if d.enter() != nil {
		return 0
	}
	defer d.leave()
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	return d.heap.available()
}

// CheckMemory fails if the device has no room for tensors of so many bytes
// together: with an [OutOfMemoryError], before any of them is allocated. Room is
// what [Device.Available] says and what is free in the blocks the device holds;
// that it lies in pieces can still make a large tensor fail.
func (d *Device) CheckMemory(bytes uint64) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	room := d.heap.available()
	for _, b := range d.heap.blocks {
		for _, s := range b.free {
			room += s.size
		}
	}
	if bytes > room {
		return fmt.Errorf("gpu: %s: %w", d.info.Name, &OutOfMemoryError{Needed: bytes, Available: room})
	}
	return nil
}
