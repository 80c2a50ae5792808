package gpu_test

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

func wantOOM(t *testing.T, what string, err error, needed, available uint64) {
	t.Helper()
	var oom *gpu.OutOfMemoryError
	if !errors.Is(err, gpu.ErrOutOfMemory) || !errors.As(err, &oom) {
		t.Fatalf("%s: error %v, want one of memory", what, err)
	}
	if oom.Needed != needed || oom.Available != available {
		t.Errorf("%s: %d bytes needed and %d available, want %d and %d", what, oom.Needed, oom.Available, needed, available)
	}
}

func TestOutOfMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const limit = 1 << 20
		d := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: limit})
		if d.Available() != limit || d.Used() != 0 {
			t.Errorf("%d bytes available, %d used", d.Available(), d.Used())
		}
		_, err := d.NewTensor(tensor.F32, 1<<19)
		wantOOM(t, "a tensor past the limit", err, 2<<20, limit)
		half, err := d.NewTensor(tensor.F32, 1<<17)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.NewTensor(tensor.F32, 1<<17+1)
		wantOOM(t, "a second tensor", err, 1<<19+256, 1<<19)

		r := d.NewRecorder()
		a, b := r.Temp(tensor.F32, 1<<17), r.Temp(tensor.F32, 1<<17)
		r.Fill(a, 0)
		r.Copy(b, a)
		_, err = r.Finish()
		wantOOM(t, "an arena", err, 1<<20, 1<<19)

		half.Free()
		if d.Available() != limit || d.Used() != 0 {
			t.Errorf("after Free: %d bytes available, %d used", d.Available(), d.Used())
		}
		wantOOM(t, "a plan", d.CheckMemory(limit+1), limit+1, limit)
		if err := d.CheckMemory(limit); err != nil || d.Used() != 0 {
			t.Errorf("a plan of all there is: %v, %d bytes used", err, d.Used())
		}
		if _, err := d.NewTensor(tensor.F32, 1<<18); err != nil {
			t.Errorf("all of the limit: %v", err)
		}
		wantOOM(t, "a plan beside it", d.CheckMemory(1), 1, 0)
	})
}

// TestHugeTensor asks for more than any device has.
func TestHugeTensor(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		var oom *gpu.OutOfMemoryError
		if _, err := dev.NewTensor(tensor.F32, 1<<40); !errors.As(err, &oom) || oom.Needed < 4<<40 || oom.Available >= oom.Needed {
			t.Errorf("4 TiB: error %v", err)
		}
	})
}

// TestBlocksAreGivenBack fills several blocks and frees them in another order.
func TestBlocksAreGivenBack(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		var all []*gpu.Tensor
		for range 10 {
			x, err := dev.NewTensor(tensor.F32, 5<<20)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
		if u := dev.Used(); u < 200<<20 || u > 320<<20 {
			t.Errorf("ten tensors of 20 MiB take %d MiB", u>>20)
		}
		for i := range all {
			all[(i*7)%len(all)].Free()
		}
		if u := dev.Used(); u != 0 {
			t.Errorf("%d bytes are held by nobody", u)
		}
	})
}

// TestRoomInBlocks counts what is free in blocks that are held.
func TestRoomInBlocks(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		d := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: 64 << 20})
		x, err := d.NewTensor(tensor.F32, 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		if d.Available() != 0 {
			t.Fatalf("%d bytes beyond the one block", d.Available())
		}
		if err := d.CheckMemory(48 << 20); err != nil {
			t.Error(err)
		}
		wantOOM(t, "more than the block's rest", d.CheckMemory(48<<20+1), 48<<20+1, 48<<20)
		x.Free()
		d.Close()
		if err := d.CheckMemory(0); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
