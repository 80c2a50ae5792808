package gpu_test

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestFill writes tensors of fewer and more windows, whole and by views, and holds
// that ranges come in order and once.
func TestFill(t *testing.T) {
	eachWay(t, func(t *testing.T, dev *gpu.Device) {
		for _, n := range []int{1, 5, gpu.WindowBytes / 4, 3*gpu.WindowBytes/4 + 7} {
			x := gputest.F32(t, dev, make([]float32, n+2), n+2)
			next := 0
			err := x.View(1, n).FillF32(func(dst []float32, at int) error {
				if at != next {
					t.Fatalf("%d elements: got those from %d, want from %d", n, at, next)
				}
				next += len(dst)
				for i := range dst {
					dst[i] = float32(at + i + 1)
				}
				return nil
			})
			if err != nil || next != n {
				t.Fatalf("%d of %d elements, error %v", next, n, err)
			}
			for i, v := range gputest.Read(t, x) {
				if want := float32(i); i <= n && v != want || i > n && v != 0 {
					t.Fatalf("element %d of %d is %g", i, n, v)
				}
			}
			x.Free()
		}
	})
}

func TestFillFails(t *testing.T) {
	eachWay(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, gpu.WindowBytes), gpu.WindowBytes)
		ours := errors.New("ours")
		if err := x.FillF32(func(_ []float32, at int) error {
			if at >= gpu.WindowBytes/2 || dev.Info().HostVisible {
				return ours
			}
			return nil
		}); !errors.Is(err, ours) {
			t.Errorf("error %v", err)
		}
		i, err := dev.NewTensor(tensor.I32, 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.FillF32(func([]float32, int) error { return nil }); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("into i32: %v", err)
		}
		if err := double(dev, 4); err != nil {
			t.Errorf("after a failed fill: %v", err)
		}
	})
}

// BenchmarkUpload moves 64 MiB through the windows.
func BenchmarkUpload(b *testing.B) {
	for name, opts := range map[string]gpu.Options{"seen": {}, "staged": gpu.Options{}.Hidden()} {
		b.Run(name, func(b *testing.B) {
			dev := gputest.Open(b, opts)
			data := make([]float32, 16<<20)
			x := gputest.F32(b, dev, data, len(data))
			b.SetBytes(4 * int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := x.WriteF32(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
