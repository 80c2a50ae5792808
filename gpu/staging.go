package gpu

import (
	"unsafe"

	"github.com/morton-gen/morton/gpu/vk"
)

// Memory the host cannot see is reached through a ring of windows that it can:
// while the device copies one, the host fills or empties another.
const (
	windowBytes = 8 << 20
	windowCount = 2
)

// staging is the ring; the device's mu guards it. It is made at its first use.
type staging struct {
	block   *vk.Block
	windows [windowCount]window
}

// window is a part of the ring's block, and the copy that was last started on it.
type window struct {
	bytes   []byte
	off     uint64 // in the block
	fence   vk.Fence
	cmds    vk.Commands
	running bool
	arrived []byte // of a download: where the bytes go when the copy has ended
}

func (s *staging) open(d *Device) error {
	if s.block != nil {
		return nil
	}
	if d.heap.stagingTyp < 0 {
		return &UnsupportedError{Device: d.info.Name, Feature: "host-visible memory"}
	}
	b, err := d.vk.Allocate(windowCount*windowBytes, d.heap.stagingTyp)
	if err != nil {
		return kind("gpu: staging", err)
	}
	s.block = b
	for i := range s.windows {
		w := &s.windows[i]
		w.off = uint64(i) * windowBytes
		w.bytes = unsafe.Slice((*byte)(unsafe.Add(b.Host, w.off)), windowBytes)
		if w.fence, err = d.vk.NewFence(); err != nil {
			s.destroy(d)
			return kind("gpu: staging", err)
		}
	}
	return nil
}

func (s *staging) destroy(d *Device) {
	if s.block == nil {
		return
	}
	for i := range s.windows {
		s.windows[i].end(d)
		d.vk.DestroyFence(s.windows[i].fence)
	}
	d.vk.Free(s.block)
	*s = staging{}
}

// upload has fill write t, a window at a time.
func (s *staging) upload(d *Device, t *Tensor, fill func(dst []byte, at uint64) error) error {
	return s.each(d, t.SizeBytes(), func(w *window, at, n uint64) error {
		if err := fill(w.bytes[:n], at); err != nil {
			return err
		}
		return w.begin(d, vk.Op{
			Kind: vk.Copy, Bytes: n, Src: s.block.Buffer, SrcOffset: w.off,
			Dst: t.mem.region.block.Buffer, DstOffset: t.mem.region.off + t.off + at,
		})
	})
}

// download copies t to dst, a window at a time.
func (s *staging) download(d *Device, t *Tensor, dst []byte) error {
	return s.each(d, t.SizeBytes(), func(w *window, at, n uint64) error {
		w.arrived = dst[at : at+n]
		return w.begin(d, vk.Op{
			Kind: vk.Copy, Bytes: n, Src: t.mem.region.block.Buffer, SrcOffset: t.mem.region.off + t.off + at,
			Dst: s.block.Buffer, DstOffset: w.off,
		})
	})
}

// each starts a copy for every part of size bytes, each in the window whose own
// copy began the longest ago, and ends when all have ended.
func (s *staging) each(d *Device, size uint64, start func(w *window, at, n uint64) error) error {
	if err := s.open(d); err != nil {
		return err
	}
	var failed error
	for i, at := 0, uint64(0); at < size && failed == nil; i, at = i+1, at+windowBytes {
		w := &s.windows[i%windowCount]
		if failed = w.end(d); failed == nil {
			failed = start(w, at, min(windowBytes, size-at))
		}
	}
	for i := range s.windows {
		if err := s.windows[i].end(d); failed == nil {
			failed = err
		}
	}
	return failed
}

// begin records and submits a copy.
func (w *window) begin(d *Device, op vk.Op) error {
	c, err := d.vk.Record([]vk.Op{op}, nil)
	if err != nil {
		return kind("gpu: record", err)
	}
	w.cmds = c
	if err := d.submit([]vk.Commands{c}, w.fence); err != nil {
		d.vk.FreeCommands(c)
		w.cmds = 0
		return err
	}
	w.running = true
	return nil
}

// end waits for the window's copy, if one runs, and delivers a download.
func (w *window) end(d *Device) error {
	defer func() { w.arrived = nil }()
	if !w.running {
		return nil
	}
	w.running = false
	err := d.wait(w.fence)
	d.vk.FreeCommands(w.cmds)
	w.cmds = 0
	if err == nil && w.arrived != nil {
		copy(w.arrived, w.bytes)
	}
	return err
}
