package gpu_test

import (
	"errors"
	"fmt"
	"math"
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

// TestArenaInPieces runs a program whose temporaries take more than one allocation may have: it
// computes what it would otherwise, and one temporary of more is an error that names both sizes.
func TestArenaInPieces(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, piece = 1 << 12, 3 << 14 // a piece has room for two temporaries, not for three
		small := gputest.Open(t, gpu.Options{Device: fmt.Sprint(dev.Info().Index)}.Pieces(piece))
		x := gputest.Normal(5, n)
		for _, shared := range []bool{false, true} {
			r := small.NewRecorder()
			if shared {
				arena, err := small.NewArena(4 * piece)
				if err != nil {
					t.Fatal(err)
				}
				defer arena.Free()
				if arena.Bytes() < 4*piece {
					t.Errorf("the arena has %d bytes", arena.Bytes())
				}
				r.Share(arena)
			}
			in, sum := gputest.F32(t, small, x, n), gputest.F32(t, small, x, n)
			var temps []*gpu.Tensor
			for i := range 7 {
				y := r.Temp(tensor.F32, n)
				elementwise.Scale(r, elementwise.ScaleArgs{X: in, Out: y, By: float32(int(1) << i)})
				temps = append(temps, y)
			}
			for _, y := range temps {
				elementwise.Add(r, elementwise.AddArgs{A: sum, B: y, Out: sum})
			}
			p, err := r.Finish()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Free()
			if bytes := p.Stats().ArenaBytes; bytes < 7*4*n {
				t.Errorf("%d bytes for seven temporaries", bytes)
			}
			if err := p.Run(1); err != nil {
				t.Fatal(err)
			}
			want, bound := make([]float64, n), make([]float64, n)
			for i, v := range x {
				want[i], bound[i] = 128*float64(v), 1e-4*math.Abs(float64(v))
			}
			gputest.Close(t, "sum", gputest.Read(t, sum), want, bound)
		}
		r := small.NewRecorder()
		y := r.Temp(tensor.F32, piece)
		r.Fill(y, 0)
		var lacks *gpu.OutOfMemoryError
		if _, err := r.Finish(); !errors.As(err, &lacks) || lacks.Needed != 4*piece || lacks.Available >= piece {
			t.Errorf("one temporary of %d bytes: %v", 4*piece, err)
		}
	})
}
