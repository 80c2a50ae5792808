package gpu

import (
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/morton-gen/morton/gpu/vk"
)

// fixedHeap has one block that no device stands behind; pinned keeps it from
// being given back.
func fixedHeap(size uint64) (h *heap, pinned *region) {
	h = &heap{dev: &Device{}, blocks: []*block{{Block: &vk.Block{Size: size, Addr: 1 << 30}, free: []span{{0, size}}}}}
	return h, h.blocks[0].take(alignBytes)
}

// TestHeapAgainstModel allocates and frees at random: ranges stay apart and
// aligned, and the free list is exactly what is not taken.
func TestHeapAgainstModel(t *testing.T) {
	const size = 1 << 20
	h, pinned := fixedHeap(size)
	r := rand.New(rand.NewPCG(1, 2))
	live := []*region{pinned}
	for range 20_000 {
		if r.IntN(2) == 0 && len(live) > 1 {
			i := 1 + r.IntN(len(live)-1)
			h.release(live[i])
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		} else if x := h.blocks[0].take(roundUp(uint64(1 + r.IntN(1<<(1+r.IntN(15)))))); x != nil {
			live = append(live, x)
		}
		checkSpans(t, h.blocks[0], live)
	}
}

func checkSpans(t *testing.T, b *block, live []*region) {
	t.Helper()
	all := append([]span(nil), b.free...)
	for i := 1; i < len(b.free); i++ {
		if b.free[i-1].off+b.free[i-1].size >= b.free[i].off {
			t.Fatalf("free spans %v and %v touch or are out of order", b.free[i-1], b.free[i])
		}
	}
	for _, x := range live {
		if x.addr()%alignBytes != 0 {
			t.Fatalf("a region at %d is not aligned to %d", x.addr(), alignBytes)
		}
		all = append(all, x.span)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].off < all[j].off })
	var at uint64
	for _, s := range all {
		if s.off != at {
			t.Fatalf("bytes %d to %d are taken twice or by nobody", at, s.off)
		}
		at += s.size
	}
	if at != b.Size {
		t.Fatalf("spans cover %d of %d bytes", at, b.Size)
	}
}

func TestHeapMergesAllWays(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}} {
		h, _ := fixedHeap(4 * alignBytes)
		var x [3]*region
		for i := range x {
			x[i] = h.blocks[0].take(alignBytes)
		}
		if h.blocks[0].take(alignBytes) != nil {
			t.Fatal("a full block gave more")
		}
		for _, i := range order {
			h.release(x[i])
		}
		if f := h.blocks[0].free; len(f) != 1 || f[0] != (span{alignBytes, 3 * alignBytes}) {
			t.Fatalf("freed in order %v: free spans %v", order, f)
		}
	}
}

func TestMemoryType(t *testing.T) {
	host := vk.MemoryType{Heap: 1, HostVisible: true, Coherent: true}
	cached := vk.MemoryType{Heap: 1, HostVisible: true, Coherent: true, Cached: true}
	incoherent := vk.MemoryType{Heap: 0, DeviceLocal: true, HostVisible: true}
	local := vk.MemoryType{Heap: 0, DeviceLocal: true}
	window := vk.MemoryType{Heap: 2, DeviceLocal: true, HostVisible: true, Coherent: true}
	resizable := vk.MemoryType{Heap: 0, DeviceLocal: true, HostVisible: true, Coherent: true}
	special := vk.MemoryType{Heap: 0, DeviceLocal: true, HostVisible: true, Coherent: true, Special: true}
	heaps := []vk.Heap{{Size: 8 << 30, DeviceLocal: true}, {Size: 16 << 30}, {Size: 256 << 20, DeviceLocal: true}}
	for name, c := range map[string]struct {
		types           []vk.MemoryType
		usable          uint32
		tensor, staging int
	}{
		"discrete":                {[]vk.MemoryType{host, local, cached}, 7, 1, 2},
		"a small window stays":    {[]vk.MemoryType{local, window, host}, 7, 0, 1},
		"a window on all of it":   {[]vk.MemoryType{local, resizable, host, cached}, 15, 1, 3},
		"special is left alone":   {[]vk.MemoryType{special, local, host}, 7, 1, 2},
		"not for buffers":         {[]vk.MemoryType{local, host, local}, 6, 2, 1},
		"not coherent is no good": {[]vk.MemoryType{incoherent, host}, 3, 1, 1},
		"none":                    {[]vk.MemoryType{incoherent}, 1, -1, -1},
	} {
		p := &vk.Physical{MemoryTypes: c.types, Heaps: heaps}
		if got := memoryType(p, c.usable); got != c.tensor {
			t.Errorf("%s: tensors in type %d, want %d", name, got, c.tensor)
		}
		if got := stagingType(p, c.usable); got != c.staging {
			t.Errorf("%s: staging in type %d, want %d", name, got, c.staging)
		}
	}
}

func TestLargestBlock(t *testing.T) {
	for _, c := range []struct{ allocation, buffer, want uint64 }{{100, 50, 50}, {100, 0, 100}, {100, 200, 100}} {
		if got := largest(&vk.Physical{MaxAllocation: c.allocation, MaxBuffer: c.buffer}); got != c.want {
			t.Errorf("allocation %d, buffer %d: %d, want %d", c.allocation, c.buffer, got, c.want)
		}
	}
}
