package gpu_test

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestProgramsShareAnArena runs programs of growing size in turns: they share memory, the
// largest adds what it lacks, and each computes what it would alone.
func TestProgramsShareAnArena(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		arena, err := dev.NewArena(4 * 1024)
		if err != nil {
			t.Fatal(err)
		}
		used := dev.Used()
		type sum struct {
			p   *gpu.Program
			out *gpu.Tensor
			n   int
		}
		var sums []sum
		for _, n := range []int{64, 1024, 1 << 16} {
			x := gputest.F32(t, dev, gputest.Normal(uint64(n), n), n)
			out, err := dev.NewTensor(tensor.F32, n)
			if err != nil {
				t.Fatal(err)
			}
			r := dev.NewRecorder()
			r.Share(arena)
			twice := r.Temp(tensor.F32, n)
			elementwise.Add(r, elementwise.AddArgs{A: x, B: x, Out: twice})
			elementwise.Add(r, elementwise.AddArgs{A: twice, B: x, Out: out})
			p, err := r.Finish()
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, sum{p, out, n})
		}
		if got := arena.Bytes(); got != 4*1024+4<<16 {
			t.Errorf("the arena has %d bytes, want its own and those of the largest program", got)
		}
		for range 2 {
			for _, s := range sums {
				if err := s.p.Run(1); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, s := range sums {
			got, err := s.out.F32()
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range gputest.Normal(uint64(s.n), s.n) {
				if want := x + x + x; got[i] != want {
					t.Fatalf("%d elements: element %d is %g, want %g", s.n, i, got[i], want)
				}
			}
			s.p.Free()
		}
		arena.Free()
		if dev.Used() > used {
			t.Errorf("%d bytes are used, %d before", dev.Used(), used)
		}
		small := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: 1 << 10})
		if _, err := small.NewArena(1 << 20); !errors.Is(err, gpu.ErrOutOfMemory) {
			t.Errorf("a megabyte where a kilobyte is left: %v", err)
		}
	})
}
