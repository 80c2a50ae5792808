package rows

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// shape is n rows of d columns and v segments of about k.
type shape struct{ n, d, v, k int }

var shapes = []shape{{1, 1, 1, 1}, {5, 64, 9, 1}, {40, 33, 7, 8}, {30, 6, 50, 27}, {3, 300, 20, 4}}

// table draws segments, some empty, whose rows lie outside now and then.
func (s shape) table() (starts, rows []int32) {
	r := rand.New(rand.NewPCG(5, uint64(s.n)))
	starts = []int32{0}
	for range s.v {
		for range r.IntN(2 * s.k) {
			rows = append(rows, int32(r.IntN(s.n+2))-1)
		}
		starts = append(starts, int32(len(rows)))
	}
	return starts, append(rows, -7) // a tail no segment has
}

func (s shape) ids() []int32 {
	r, ids := rand.New(rand.NewPCG(6, uint64(s.n))), make([]int32, s.v*s.k)
	for i := range ids {
		ids[i] = int32(r.IntN(s.n+2)) - 1
	}
	ids[len(ids)-1] = math.MinInt32
	return ids
}

// oracle is what a table makes of x and, back, of dout, with the terms' magnitudes.
type oracle struct{ out, dx, magOut, magX []float64 }

func newOracle(s shape, starts, rows []int32, x, dout []float64, mean bool) oracle {
	o := oracle{make([]float64, s.v*s.d), make([]float64, s.n*s.d), make([]float64, s.v*s.d), make([]float64, s.n*s.d)}
	for t := range s.v {
		w := 1.0
		if mean {
			w = 1 / float64(starts[t+1]-starts[t])
		}
		for _, r := range rows[starts[t]:starts[t+1]] {
			for c := 0; c < s.d && r >= 0 && int(r) < s.n; c++ {
				i, j := int(r)*s.d+c, t*s.d+c
				o.out[j] += w * x[i]
				o.dx[i] += w * dout[j]
				o.magOut[j] += w * math.Abs(x[i])
				o.magX[i] += w * math.Abs(dout[j])
			}
		}
	}
	return o
}

func TestOracleGradient(t *testing.T) {
	s := shape{5, 3, 6, 3}
	starts, rows := s.table()
	x, dout := optest.Wide(gputest.Normal(1, s.n*s.d)), optest.Wide(gputest.Normal(2, s.v*s.d))
	for _, mean := range []bool{false, true} {
		o := newOracle(s, starts, rows, x, dout, mean)
		optest.Gradient(t, "dx", func() float64 { return optest.Dot(newOracle(s, starts, rows, x, dout, mean).out, dout) }, x, o.dx)
	}
}

func each(t *testing.T, body func(t *testing.T, dev *gpu.Device, s shape)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { body(t, dev, s) })
		}
	})
}

func TestSegment(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		for _, flags := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
			testSegment(t, dev, s, flags[0], flags[1])
		}
	})
}

func testSegment(t *testing.T, dev *gpu.Device, s shape, mean, add bool) {
	x, dout := gputest.Normal(1, s.n*s.d), gputest.Normal(2, s.v*s.d)
	starts, rows := s.table()
	toStarts, toRows := make([]int32, s.n+1), make([]int32, len(rows))
	Transpose(starts, rows, s.n, toStarts, toRows)
	out, dx := gputest.F32(t, dev, dout, s.v, s.d), gputest.F32(t, dev, x, s.n, s.d)
	ids := func(x []int32) *gpu.Tensor { return gputest.I32(t, dev, x, len(x)) }
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Segment(r, SegmentArgs{X: gputest.F32(t, dev, x, s.n, s.d), Starts: ids(starts), Rows: ids(rows), Out: out, Mean: mean, Add: add})
		SegmentGrad(r, SegmentGradArgs{DOut: gputest.F32(t, dev, dout, s.v, s.d), Starts: ids(starts), ToStarts: ids(toStarts), ToRows: ids(toRows), DX: dx, Mean: mean, AddDX: add})
	})
	o := newOracle(s, starts, rows, optest.Wide(x), optest.Wide(dout), mean)
	check := func(what string, got, before []float32, want, mag []float64) {
		for i := range want {
			if add {
				want[i] += float64(before[i])
				mag[i] += math.Abs(float64(before[i]))
			}
			mag[i] *= float64(len(rows)+4) * gputest.Eps
		}
		gputest.Close(t, fmt.Sprintf("%s/mean=%v/add=%v", what, mean, add), got, want, mag)
	}
	check("out", gputest.Read(t, out), dout, o.out, o.magOut)
	check("dx", gputest.Read(t, dx), x, o.dx, o.magX)
}

func TestGather(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		x, ids := gputest.Normal(1, s.n*s.d), s.ids()
		want := make([]float32, s.v*s.k*s.d)
		for i, id := range ids {
			if id >= 0 && int(id) < s.n {
				copy(want[i*s.d:(i+1)*s.d], x[int(id)*s.d:])
			}
		}
		out := gputest.F32(t, dev, gputest.Normal(2, len(want)), s.v, s.k*s.d)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Gather(r, GatherArgs{X: gputest.F32(t, dev, x, s.n, s.d), IDs: gputest.I32(t, dev, ids, s.v, s.k), Out: out})
		})
		if got := gputest.Read(t, out); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestSpans gathers and scatters consecutive rows by the id of the first. Rows beyond the end,
// and all of a negative id, are zeros and go nowhere.
func TestSpans(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, d := range []int{1, 6, 33} {
			const n, span = 9, 3
			x, ids := gputest.Normal(1, n*d), []int32{4, -1, 0, 7, math.MinInt32, n}
			out := gputest.F32(t, dev, gputest.Normal(2, len(ids)*span*d), len(ids), span*d)
			old := gputest.Normal(3, n*d)
			back := gputest.F32(t, dev, old, n, d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				at := gputest.I32(t, dev, ids, len(ids))
				Gather(r, GatherArgs{X: gputest.F32(t, dev, x, n, d), IDs: at, Out: out, Span: span})
				Scatter(r, ScatterArgs{X: out.View(0, len(ids)*span, d), IDs: at, Out: back, Span: span})
			})
			var want []float32
			for _, id := range ids {
				for s := range int32(span) {
					if id < 0 || id+s >= n {
						want = append(want, make([]float32, d)...)
						continue
					}
					row := x[int(id+s)*d : int(id+s+1)*d]
					want = append(want, row...)
					copy(old[int(id+s)*d:], row)
				}
			}
			if got := gputest.Read(t, out); !slices.Equal(got, want) {
				t.Errorf("d=%d: gathered %v, want %v", d, got, want)
			}
			if got := gputest.Read(t, back); !slices.Equal(got, old) {
				t.Errorf("d=%d: scattered %v, want %v", d, got, old)
			}
		}
	})
}

// TestGatherGrad takes the road that Gather names, and holds it to <dout, gather(x)>.
func TestGatherGrad(t *testing.T) {
	each(t, func(t *testing.T, dev *gpu.Device, s shape) {
		ids, dout, dx0 := s.ids(), gputest.Normal(1, s.v*s.k*s.d), gputest.Normal(2, s.n*s.d)
		starts, rows := make([]int32, s.n+1), make([]int32, len(ids))
		each := make([]int32, len(ids)+1) // an id a segment
		for i := range each {
			each[i] = int32(i)
		}
		Transpose(each, ids, s.n, starts, rows)
		want, bound := optest.Wide(dx0), make([]float64, len(dx0))
		for i, id := range ids {
			for c := 0; c < s.d && id >= 0 && int(id) < s.n; c++ {
				want[int(id)*s.d+c] += float64(dout[i*s.d+c])
				bound[int(id)*s.d+c] += math.Abs(float64(dout[i*s.d+c]))
			}
		}
		for i, v := range dx0 {
			bound[i] = float64(len(ids)+4) * gputest.Eps * (bound[i] + math.Abs(float64(v)))
		}
		dx := gputest.F32(t, dev, dx0, s.n, s.d)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Segment(r, SegmentArgs{X: gputest.F32(t, dev, dout, s.v*s.k, s.d), Starts: gputest.I32(t, dev, starts, s.n+1), Rows: gputest.I32(t, dev, rows, len(rows)), Out: dx, Add: true})
		})
		gputest.Close(t, "dx", gputest.Read(t, dx), want, bound)
	})
}

// TestSegmentKeepsInside gives starts that point outside.
func TestSegmentKeepsInside(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		out := gputest.F32(t, dev, make([]float32, 6), 3, 2)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Segment(r, SegmentArgs{
				X: gputest.F32(t, dev, []float32{1, 2, 50, 60}, 2, 2).View(0, 1, 2), Out: out,
				Starts: gputest.I32(t, dev, []int32{0, 3, math.MaxInt32, -1}, 4), Rows: gputest.I32(t, dev, []int32{0, 1, -1, 0, 0}, 5),
			})
		})
		if got, want := gputest.Read(t, out), []float32{1, 2, 2, 4, 0, 0}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestSegmentsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{30, 50, 20, 7}
		starts, rows := s.table()
		x := gputest.F32(t, dev, gputest.Normal(1, s.n*s.d), s.n, s.d)
		optest.SameRows(t, s.v, s.d, func(m int) []float32 {
			out := gputest.F32(t, dev, make([]float32, m*s.d), m, s.d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Segment(r, SegmentArgs{X: x, Starts: gputest.I32(t, dev, starts[:m+1], m+1), Rows: gputest.I32(t, dev, rows, len(rows)), Out: out, Mean: true})
			})
			return gputest.Read(t, out)
		})
	})
}

func TestTranspose(t *testing.T) {
	toStarts, toRows := []int32{9, 9, 9, 9}, []int32{9, 9, 9, 9, 9, 9}
	Transpose([]int32{0, 2, 2, 5}, []int32{2, 0, 2, -1, 2, 1}, 3, toStarts, toRows)
	if want := []int32{0, 1, 1, 4}; !slices.Equal(toStarts, want) {
		t.Errorf("starts %v, want %v", toStarts, want)
	}
	if want := []int32{0, 0, 2, 2, 9, 9}; !slices.Equal(toRows, want) {
		t.Errorf("rows %v, want %v", toRows, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a short table passed")
		}
	}()
	Transpose([]int32{0, 2}, []int32{0, 0}, 3, toStarts, toRows)
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		f, i := gputest.F32(t, dev, make([]float32, 12), 3, 4), gputest.I32(t, dev, make([]int32, 6), 6)
		four := i.View(0, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":    func(r *gpu.Recorder) { Gather(r, GatherArgs{X: f, IDs: i}) },
			"ids":    func(r *gpu.Recorder) { Gather(r, GatherArgs{X: f, IDs: four, Out: f}) },
			"k":      func(r *gpu.Recorder) { Gather(r, GatherArgs{X: f, IDs: i, Out: f}) },
			"float":  func(r *gpu.Recorder) { Gather(r, GatherArgs{X: f, IDs: f, Out: f}) },
			"starts": func(r *gpu.Recorder) { Segment(r, SegmentArgs{X: f, Starts: i, Rows: i, Out: f}) },
			"rows":   func(r *gpu.Recorder) { Segment(r, SegmentArgs{X: f, Starts: four, Out: f}) },
			"d":      func(r *gpu.Recorder) { Segment(r, SegmentArgs{X: f, Starts: four, Rows: i, Out: f.View(0, 3, 3)}) },
			"shares": func(r *gpu.Recorder) {
				SegmentGrad(r, SegmentGradArgs{DOut: f, Starts: i, ToStarts: four, ToRows: i, DX: f, Mean: true})
			},
		})
	})
}

func BenchmarkRows(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []shape{{4096, 64, 4096, 27}, {4096, 256, 4096, 8}} {
		x, ids := gputest.F32(b, dev, gputest.Normal(1, s.n*s.d), s.n, s.d), gputest.I32(b, dev, s.ids(), s.v, s.k)
		cols := gputest.F32(b, dev, make([]float32, s.v*s.k*s.d), s.v, s.k*s.d)
		name := fmt.Sprintf("rows=%d/cols=%d/ids=%d", s.v, s.d, s.k)
		b.Run("gather/"+name, func(b *testing.B) { // read and written
			optest.Bench(b, dev, 8*s.v*s.k*s.d, s.v, func(r *gpu.Recorder) { Gather(r, GatherArgs{X: x, IDs: ids, Out: cols}) })
		})
		starts, rows := s.table()
		ts, tr := gputest.I32(b, dev, starts, s.v+1), gputest.I32(b, dev, rows, len(rows))
		out := gputest.F32(b, dev, make([]float32, s.v*s.d), s.v, s.d)
		b.Run("segment/"+name, func(b *testing.B) { // a sum a term
			optest.Bench(b, dev, 4*(len(rows)+s.v)*s.d, s.v, func(r *gpu.Recorder) { Segment(r, SegmentArgs{X: x, Starts: ts, Rows: tr, Out: out, Mean: true}) })
		})
	}
}

// TestScatter puts rows in their places, the other way round than TestGather.
func TestScatter(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, d := range []int{1, 6, 33, 300} {
			const m, n = 6, 9
			x, old := gputest.Normal(1, m*d), gputest.Normal(2, n*d)
			ids := []int32{7, -1, 0, math.MinInt32, 8, n}
			out := gputest.F32(t, dev, old, n, d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Scatter(r, ScatterArgs{X: gputest.F32(t, dev, x, m, d), IDs: gputest.I32(t, dev, ids, m), Out: out})
			})
			want := slices.Clone(old)
			for r, id := range ids {
				if id >= 0 && id < n {
					copy(want[int(id)*d:], x[r*d:(r+1)*d])
				}
			}
			if got := gputest.Read(t, out); !slices.Equal(got, want) {
				t.Errorf("d=%d: %v, want %v", d, got, want)
			}
		}
		x := gputest.F32(t, dev, make([]float32, 12), 3, 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"ids": func(r *gpu.Recorder) { Scatter(r, ScatterArgs{X: x, IDs: gputest.I32(t, dev, []int32{1}, 1), Out: x}) },
			"width": func(r *gpu.Recorder) {
				Scatter(r, ScatterArgs{X: x, IDs: gputest.I32(t, dev, []int32{0, 1, 2}, 3), Out: nil})
			},
		})
	})
}

// TestCut takes columns of floats and of integers, whose bits stay.
func TestCut(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range [][4]int{{1, 1, 0, 1}, {3, 7, 2, 4}, {5, 64, 0, 64}, {2, 300, 17, 283}} {
			n, ld, from, d := s[0], s[1], s[2], s[3]
			ids := make([]int32, n*ld)
			for i := range ids {
				ids[i] = int32(i*i) - 40 // small ones are subnormal as floats
			}
			x := gputest.Normal(1, n*ld)
			floats, ints := gputest.F32(t, dev, make([]float32, n*d), n, d), gputest.I32(t, dev, make([]int32, n*d), n, d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Cut(r, CutArgs{X: gputest.F32(t, dev, x, n, ld), Out: floats, From: from})
				Cut(r, CutArgs{X: gputest.I32(t, dev, ids, n, ld), Out: ints, From: from})
			})
			got, err := ints.I32()
			if err != nil {
				t.Fatal(err)
			}
			for r := range n {
				if !slices.Equal(got[r*d:(r+1)*d], ids[r*ld+from:][:d]) || !slices.Equal(gputest.Read(t, floats)[r*d:(r+1)*d], x[r*ld+from:][:d]) {
					t.Errorf("%v: row %d differs", s, r)
				}
			}
		}
		x, y := gputest.F32(t, dev, make([]float32, 12), 3, 4), gputest.F32(t, dev, make([]float32, 6), 3, 2)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":     func(r *gpu.Recorder) { Cut(r, CutArgs{Out: y}) },
			"outside": func(r *gpu.Recorder) { Cut(r, CutArgs{X: x, Out: y, From: 3}) },
			"before":  func(r *gpu.Recorder) { Cut(r, CutArgs{X: x, Out: y, From: -1}) },
			"rows":    func(r *gpu.Recorder) { Cut(r, CutArgs{X: x, Out: gputest.F32(t, dev, make([]float32, 4), 2, 2)}) },
		})
	})
}
