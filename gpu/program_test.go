package gpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

// step is an operation on registers, which a program and the host both carry out:
// d = a + b, d = a/4, d = a, d = 1.
type step struct{ kind, d, a, b int }

const registers = 6

func randomSteps(r *rand.Rand, n int) []step {
	out := make([]step, n)
	for i := range out {
		out[i] = step{r.IntN(4), r.IntN(registers), r.IntN(registers), r.IntN(registers)}
		if r.IntN(3) > 0 {
			out[i].kind = 0 // mostly sums, or all becomes 1
		}
	}
	return out
}

func (s step) host(x [][]float32) {
	for i := range x[s.d] {
		switch s.kind {
		case 0:
			x[s.d][i] = x[s.a][i] + x[s.b][i]
		case 1:
			x[s.d][i] = x[s.a][i] * 0.25
		case 2:
			x[s.d][i] = x[s.a][i]
		case 3:
			x[s.d][i] = 1
		}
	}
}

func (s step) record(r *gpu.Recorder, x []*gpu.Tensor) {
	switch {
	case s.kind == 0:
		elementwise.Add(r, elementwise.AddArgs{A: x[s.a], B: x[s.b], Out: x[s.d]})
	case s.kind == 1:
		elementwise.Scale(r, elementwise.ScaleArgs{X: x[s.a], Out: x[s.d], By: 0.25})
	case s.kind == 2 && s.a != s.d:
		r.Copy(x[s.d], x[s.a])
	case s.kind == 3:
		r.Fill(x[s.d], gpu.F32Param(1))
	}
}

// TestOrder runs random programs whose results depend on the order of their
// operations, replayed in one submit, with and without a barrier before each.
func TestOrder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		all := gputest.Open(t, gpu.Options{Device: dev.Info().Name, BarrierAll: true})
		for seed := range uint64(6) {
			steps := randomSteps(rand.New(rand.NewPCG(seed, 7)), 30)
			for _, replays := range []int{0, 1, 3} {
				want := onHost(steps, replays)
				some, barriers := onDevice(t, dev, steps, replays)
				sameBits(t, some, want)
				every, most := onDevice(t, all, steps, replays)
				sameBits(t, every, want)
				if barriers == 0 || barriers > most || most > len(steps)-1 {
					t.Errorf("%d barriers, %d with BarrierAll, of %d operations", barriers, most, len(steps))
				}
			}
		}
	})
}

const orderElems = 3001

func onHost(steps []step, replays int) [][]float32 {
	x := make([][]float32, registers)
	for i := range x {
		x[i] = gputest.Normal(uint64(i), orderElems)
	}
	for range replays {
		for _, s := range steps {
			s.host(x)
		}
	}
	return x
}

func onDevice(t *testing.T, dev *gpu.Device, steps []step, replays int) ([][]float32, int) {
	t.Helper()
	x := make([]*gpu.Tensor, registers)
	for i := range x {
		x[i] = gputest.F32(t, dev, gputest.Normal(uint64(i), orderElems), orderElems)
		defer x[i].Free()
	}
	r := dev.NewRecorder()
	for _, s := range steps {
		s.record(r, x)
	}
	p, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	if err := p.Run(replays); err != nil {
		t.Fatal(err)
	}
	out := make([][]float32, registers)
	for i := range x {
		out[i] = gputest.Read(t, x[i])
	}
	return out, p.Stats().Barriers
}

func sameBits(t *testing.T, got, want [][]float32) {
	t.Helper()
	for k := range want {
		for i := range want[k] {
			if math.Float32bits(got[k][i]) != math.Float32bits(want[k][i]) {
				t.Fatalf("register %d[%d] = %g, want %g", k, i, got[k][i], want[k][i])
			}
		}
	}
}

// TestLongProgram passes the length of one command buffer.
func TestLongProgram(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 5000
		x, one := gputest.F32(t, dev, []float32{0}, 1), gputest.F32(t, dev, []float32{1}, 1)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			for range n {
				elementwise.Add(r, elementwise.AddArgs{A: x, B: one, Out: x})
			}
		})
		if got := gputest.Read(t, x)[0]; got != n {
			t.Errorf("%d additions of 1 gave %g", n, got)
		}
	})
}

// TestTemporariesShareMemory runs a chain whose temporaries overlap in place.
func TestTemporariesShareMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, links = 10_000, 20
		in, out := gputest.F32(t, dev, gputest.Normal(1, n), n), gputest.F32(t, dev, make([]float32, n), n)
		r := dev.NewRecorder()
		last := in
		for range links {
			next := r.Temp(tensor.F32, n)
			elementwise.Add(r, elementwise.AddArgs{A: last, B: in, Out: next})
			last = next
		}
		r.Temp(tensor.F32, 1<<20) // never used, so it takes nothing
		r.Copy(out, last)
		p, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		if s := p.Stats(); s.Dispatches != links || s.TempBytes < 4*n*links || s.ArenaBytes > s.TempBytes/8 {
			t.Errorf("%+v: two temporaries are alive at once", s)
		}
		if err := p.Run(2); err != nil {
			t.Fatal(err)
		}
		want := gputest.Normal(1, n)
		for i, x := range want {
			for range links {
				want[i] += x
			}
		}
		sameBits(t, [][]float32{gputest.Read(t, out)}, [][]float32{want})
	})
}

func TestLinear(t *testing.T) {
	for _, n := range []int{1, 2, 32768, 32769, 65536, 100_000, 1 << 30} {
		g := gpu.Linear(n)
		total := g[0] * g[1] * g[2]
		if total < n || total-n >= g[0] || max(g[0], g[1], g[2]) > 65535 {
			t.Errorf("Linear(%d) = %v: %d workgroups", n, g, total)
		}
	}
}

// TestLinearPastARow runs a kernel over more workgroups than one row of the grid
// holds: each takes W·32 elements.
func TestLinearPastARow(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		n := 32768*32*dev.SubgroupWidth() + 77
		x := gputest.F32(t, dev, make([]float32, n), n)
		defer x.Free()
		one := gputest.F32(t, dev, make([]float32, n), n)
		defer one.Free()
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			r.Fill(one, gpu.F32Param(1))
			elementwise.Add(r, elementwise.AddArgs{A: x, B: one, Out: x})
		})
		for i, v := range gputest.Read(t, x) {
			if v != 1 {
				t.Fatalf("element %d of %d is %g, want 1", i, n, v)
			}
		}
	})
}
