package gpu_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// eachWay runs body on every device twice: with memory the host sees where it
// does, and through the staging window.
func eachWay(t *testing.T, body func(t *testing.T, dev *gpu.Device)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		t.Run("seen", func(t *testing.T) { body(t, dev) })
		t.Run("staged", func(t *testing.T) {
			body(t, gputest.Open(t, gpu.Options{Device: dev.Info().Name}.Hidden()))
		})
	})
}

func noise(n int) []byte {
	out := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(out)
	return out
}

// TestTransfers carries every type both ways, by views at odd places too, and in
// sizes past the staging window.
func TestTransfers(t *testing.T) {
	eachWay(t, func(t *testing.T, dev *gpu.Device) {
		for _, dt := range []tensor.DType{tensor.F32, tensor.I32, tensor.U32, tensor.F16, tensor.BF16} {
			for _, n := range []int{1, 3, 1000, 3*gpu.WindowBytes/dt.Bytes() + 5} {
				testTransfer(t, dev, dt, n)
			}
		}
	})
}

func testTransfer(t *testing.T, dev *gpu.Device, dt tensor.DType, n int) {
	t.Helper()
	x, err := dev.NewTensor(dt, n)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	want := noise(n * dt.Bytes())
	if err := x.WriteBytes(want); err != nil {
		t.Fatal(err)
	}
	if n > 2 {
		view := x.View(1, n-2)
		part := noise((n - 2) * dt.Bytes())
		slices.Reverse(part)
		if err := view.WriteBytes(part); err != nil {
			t.Fatal(err)
		}
		copy(want[dt.Bytes():], part)
		got := make([]byte, len(part))
		if err := view.ReadBytes(got); err != nil || !bytes.Equal(got, part) {
			t.Fatalf("%v %d: a view came back changed (error %v)", dt, n, err)
		}
	}
	got := make([]byte, len(want))
	if err := x.ReadBytes(got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%v %d: bytes came back changed (error %v)", dt, n, err)
	}
	for _, wrong := range [][]byte{want[:len(want)-1], append(want, 0), nil} {
		if err := x.WriteBytes(wrong); !errors.Is(err, gpu.ErrShape) {
			t.Fatalf("%v %d: %d bytes written: %v", dt, n, len(wrong), err)
		}
	}
}

func TestTypedTransfers(t *testing.T) {
	eachWay(t, func(t *testing.T, dev *gpu.Device) {
		f := gputest.F32(t, dev, []float32{1.5, -2, 3, 4, 5, 6}, 2, 3)
		if got := gputest.Read(t, f.View(2, 2, 2)); !slices.Equal(got, []float32{3, 4, 5, 6}) {
			t.Errorf("view of [2 3] at 2: %v", got)
		}
		if got := gputest.Read(t, f.View(1, 5).View(1, 2)); !slices.Equal(got, []float32{3, 4}) {
			t.Errorf("view of a view: %v", got)
		}
		i := gputest.I32(t, dev, []int32{-1, 2}, 2)
		u, err := dev.NewTensor(tensor.U32, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.WriteI32([]int32{-1, 7}); err != nil {
			t.Fatal(err)
		}
		for x, want := range map[*gpu.Tensor][]int32{i: {-1, 2}, u: {-1, 7}} {
			if got, err := x.I32(); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v: %v, error %v, want %v", x.DType, got, err, want)
			}
		}
		for name, err := range map[string]error{
			"f32 into i32": i.WriteF32([]float32{1, 2}), "i32 into f32": f.WriteI32(make([]int32, 6)), "f32 from u32": u.ReadF32(make([]float32, 2)),
			"short": f.WriteF32(make([]float32, 5)), "long": i.ReadI32(make([]int32, 3)),
		} {
			if !errors.Is(err, gpu.ErrShape) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	})
}

func TestTensorShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, shape := range [][]int{{0}, {-1}, {3, -2}, {1 << 40, 1 << 40}, {1 << 62, 4}} {
			if _, err := dev.NewTensor(tensor.F32, shape...); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("NewTensor(%v): %v", shape, err)
			}
		}
		used := dev.Used()
		if x, err := dev.FromF32(make([]float32, 3), 4); !errors.Is(err, gpu.ErrShape) || x != nil || dev.Used() != used {
			t.Errorf("FromF32 of 3 elements into 4: tensor %v, error %v, %d bytes kept", x, err, dev.Used()-used)
		}
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		if x.Rows() != 3 || x.Dim(-1) != 4 || x.Dim(0) != 3 || x.SizeBytes() != 48 {
			t.Errorf("%v: rows %d, last %d", x.Shape, x.Rows(), x.Dim(-1))
		}
		for _, v := range []struct {
			off   int
			shape []int
		}{{-1, []int{2}}, {0, []int{13}}, {11, []int{2}}, {0, []int{-1}}, {0, []int{1 << 62, 4}}, {0, []int{-1, 0}}, {13, []int{0}}} {
			if !panics(func() { x.View(v.off, v.shape...) }) {
				t.Errorf("View(%d, %v) of 12 elements was made", v.off, v.shape)
			}
		}
		if s, err := dev.NewTensor(tensor.F32); err != nil || s.Elems() != 1 {
			t.Errorf("a scalar: %v", err)
		}
	})
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// TestAlignment holds what vector loads rely on.
func TestAlignment(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, n := range []int{1, 3, 100, 1 << 20, 20 << 20} {
			x, err := dev.NewTensor(tensor.F32, n)
			if err != nil {
				t.Fatal(err)
			}
			if a := x.Offset(); a == 0 || a%64 != 0 {
				t.Errorf("%d elements at address %#x", n, a)
			}
		}
	})
}
