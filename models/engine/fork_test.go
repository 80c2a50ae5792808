package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/nn"
)

// TestForkCopiesOnWrite marks the pages of a slot, forks it, and looks where a write goes.
func TestForkCopiesOnWrite(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, cache := range []nn.Precision{nn.F16, nn.F32} {
			d, err := NewDecoder(dev, wide(), nn.File(weights(t, dev)), DecoderOptions{Slots: 3, Cache: cache, Pages: 4})
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := d.Reserve(0, 130); !ok || err != nil {
				t.Fatal(ok, err)
			}
			mark(t, d)
			if err := d.SetTokens(0, 0, []uint32{7, 8, 9}); err != nil {
				t.Fatal(err)
			}
			if err := d.Fork(1, 0, 130); err != nil {
				t.Fatal(err)
			}
			if got, err := d.Tokens(1, 0, 3); err != nil || !slices.Equal(got, []uint32{7, 8, 9}) {
				t.Errorf("the canvas has %v: %v", got, err)
			}
			if !slices.Equal(d.pages[0].of[0], d.pages[0].of[1]) || d.lent() != 3 {
				t.Errorf("pages %v and %v, %d lent", d.pages[0].of[0], d.pages[0].of[1], d.lent())
			}
			if ok, err := d.Own(1, 0, slices.Values([]int{130, 131})); !ok || err != nil {
				t.Fatal(ok, err)
			}
			a, b := d.pages[0].of[0], d.pages[0].of[1]
			if !slices.Equal(a[:2], b[:2]) || a[2] == b[2] || !slices.Equal(pageBytes(t, d, a[2]), pageBytes(t, d, b[2])) || slices.Equal(pageBytes(t, d, a[1]), pageBytes(t, d, b[2])) {
				t.Errorf("a write behind the fork: pages %v and %v", a, b)
			}
			if ok, err := d.Own(0, 0, slices.Values([]int{130})); !ok || err != nil || d.lent() != 4 {
				t.Errorf("the last holder of a page copied it: %d lent, %v %v", d.lent(), ok, err)
			}
			if ok, err := d.Own(1, 0, slices.Values([]int{5})); ok || err != nil || !slices.Equal(d.pages[0].of[1], b) {
				t.Errorf("without a free page: %v %v", ok, err)
			}
			if row, err := d.pages[0].table.I32(); err != nil || !slices.Equal(row[d.pages[0].most:d.pages[0].most+3], b) {
				t.Errorf("the table says %v, want %v: %v", row, b, err)
			}
			release(t, d, 0, 1)
			release(t, d, 1, 0)
			for to, from := range map[int]int{0: 0, 1: 3, 3: 1, 2: 0} {
				if err := d.Fork(to, from, 1); !errors.Is(err, ErrRequest) && !errors.Is(err, ErrTooLong) {
					t.Errorf("a fork of slot %d to %d, which has no page: %v", from, to, err)
				}
			}
			d.Free()
		}
	})
}

// release releases a slot and counts the pages that are left: those of the other.
func release(t *testing.T, d *Decoder, slot, other int) {
	t.Helper()
	if err := d.Release(slot); err != nil || d.lent() != len(d.pages[0].of[other]) {
		t.Errorf("slot %d left %d pages, slot %d has %d: %v", slot, d.lent(), other, len(d.pages[0].of[other]), err)
	}
}

// mark writes other numbers to every page.
func mark(t *testing.T, d *Decoder) {
	t.Helper()
	for _, c := range d.caches {
		for _, x := range []*gpu.Tensor{c.K, c.V} {
			raw := make([]byte, x.SizeBytes())
			for i := range raw {
				raw[i] = byte(i*7 + i>>12 + i/(len(raw)/x.Dim(0))*31)
			}
			if err := x.WriteBytes(raw); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// pageBytes returns keys and values of a page in all layers.
func pageBytes(t *testing.T, d *Decoder, page int32) (out []byte) {
	t.Helper()
	for _, c := range d.caches {
		for _, x := range []*gpu.Tensor{c.K, c.V} {
			n := attention.MinPage * x.Dim(2)
			raw := make([]byte, n*x.DType.Bytes())
			if err := x.View(int(page)*n, n).ReadBytes(raw); err != nil {
				t.Fatal(err)
			}
			out = append(out, raw...)
		}
	}
	return out
}

// TestForkCopiesKeptStates forks a slot of a system that keeps hidden states.
func TestForkCopiesKeptStates(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	sys := wide()
	sys.Layout.Places, sys.Layout.State = 3, 4
	d, err := NewDecoder(dev, sys, nn.File(weights(t, dev)), DecoderOptions{Slots: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Free()
	states := gputest.Normal(1, 3*3*4)
	if err := d.states.WriteF32(states); err != nil {
		t.Fatal(err)
	}
	if err := d.Fork(2, 1, 0); err != nil {
		t.Fatal(err)
	}
	copy(states[24:], states[12:24])
	if got, err := d.states.F32(); err != nil || !slices.Equal(got, states) {
		t.Errorf("states %v, want %v: %v", got, states, err)
	}
}
