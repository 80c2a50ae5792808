package embed

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

type shape struct{ n, d, k, v int }

var shapes = []shape{{1, 1, 1, 1}, {1, 64, 1, 5}, {7, 33, 3, 4}, {40, 256, 10, 97}, {5, 2, 2, 300}, {3, 1030, 4, 50}}

// randomIDs draws ids of which some lie outside the table on either side.
func randomIDs(s shape) []int32 {
	r := rand.New(rand.NewPCG(7, uint64(s.n)))
	ids := make([]int32, s.n*s.k)
	for i := range ids {
		ids[i] = int32(r.IntN(s.v+s.v/4+2)) - 1
	}
	ids[0] = 0
	if len(ids) > 3 {
		ids[1], ids[2], ids[3] = math.MinInt32, math.MaxInt32, int32(s.v)
	}
	return ids
}

// oracleSum returns the sums and their terms' magnitudes.
func oracleSum(s shape, table []float64, ids []int32) (out, mag []float64) {
	out, mag = make([]float64, s.n*s.d), make([]float64, s.n*s.d)
	for i, id := range ids {
		if id < 0 || int(id) >= s.v {
			continue
		}
		for c := range s.d {
			x := table[int(id)*s.d+c]
			out[i/s.k*s.d+c] += x
			mag[i/s.k*s.d+c] += math.Abs(x)
		}
	}
	return out, mag
}

func oracleGrad(s shape, dout []float64, ids []int32) (dtable, mag []float64) {
	dtable, mag = make([]float64, s.v*s.d), make([]float64, s.v*s.d)
	for i, id := range ids {
		if id < 0 || int(id) >= s.v {
			continue
		}
		for c := range s.d {
			x := dout[i/s.k*s.d+c]
			dtable[int(id)*s.d+c] += x
			mag[int(id)*s.d+c] += math.Abs(x)
		}
	}
	return dtable, mag
}

func TestOracleGradient(t *testing.T) {
	s := shape{4, 3, 3, 5}
	ids := randomIDs(s)
	table, dout := optest.Wide(gputest.Normal(1, s.v*s.d)), optest.Wide(gputest.Normal(2, s.n*s.d))
	grad, _ := oracleGrad(s, dout, ids)
	optest.Gradient(t, "dtable", func() float64 {
		out, _ := oracleSum(s, table, ids)
		return optest.Dot(out, dout)
	}, table, grad)
}

func TestSum(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			for _, add := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v/add=%v", s, add), func(t *testing.T) { testSum(t, dev, s, add) })
			}
		}
	})
}

func testSum(t *testing.T, dev *gpu.Device, s shape, add bool) {
	table, ids, out0 := gputest.Normal(1, s.v*s.d), randomIDs(s), gputest.Normal(2, s.n*s.d)
	want, mag := oracleSum(s, optest.Wide(table), ids)
	for i := range want {
		if add {
			want[i] += float64(out0[i])
			mag[i] += math.Abs(float64(out0[i]))
		}
		mag[i] *= float64(s.k) * gputest.Eps
	}
	out := gputest.F32(t, dev, out0, s.n, s.d)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Sum(r, SumArgs{Table: gputest.F32(t, dev, table, s.v, s.d), IDs: gputest.I32(t, dev, ids, s.n, s.k), Out: out, Add: add})
	})
	gputest.Close(t, "out", gputest.Read(t, out), want, mag)
}

func TestSumGrad(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { testSumGrad(t, dev, s) })
		}
	})
}

func testSumGrad(t *testing.T, dev *gpu.Device, s shape) {
	ids, dout, d0 := randomIDs(s), gputest.Normal(1, s.n*s.d), gputest.Normal(2, s.v*s.d)
	want, bound := oracleGrad(s, optest.Wide(dout), ids)
	starts, rows := make([]int32, s.v+1), make([]int32, s.n*s.k)
	Index(ids, s.k, s.v, starts, rows)
	for i := range want {
		want[i] += float64(d0[i])
		if bound[i] > 0 { // an untouched row must keep its bits
			bound[i] = (bound[i] + math.Abs(float64(d0[i]))) * gputest.Eps * float64(starts[i/s.d+1]-starts[i/s.d])
		}
	}
	dtable := gputest.F32(t, dev, d0, s.v, s.d)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		SumGrad(r, SumGradArgs{
			DOut: gputest.F32(t, dev, dout, s.n, s.d), DTable: dtable,
			Starts: gputest.I32(t, dev, starts, s.v+1), Rows: gputest.I32(t, dev, rows, s.n*s.k),
		})
	})
	gputest.Close(t, "dtable", gputest.Read(t, dtable), want, bound)
}

// TestSumGradKeepsInside gives an index that points outside its operands.
func TestSumGradKeepsInside(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dtable := gputest.F32(t, dev, make([]float32, 3*4), 3, 4)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			SumGrad(r, SumGradArgs{
				DOut: gputest.F32(t, dev, []float32{1, 2, 3, 4, 50, 60, 70, 80}, 2, 4).View(0, 1, 4), DTable: dtable,
				Starts: gputest.I32(t, dev, []int32{0, 3, math.MaxInt32, -1}, 4), Rows: gputest.I32(t, dev, []int32{0, 1, -1, 0, 0}, 5),
			})
		})
		want := []float32{1, 2, 3, 4, 2, 4, 6, 8, 0, 0, 0, 0}
		if got := gputest.Read(t, dtable); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{20, 96, 10, 64}
		ids, table := randomIDs(s), gputest.F32(t, dev, gputest.Normal(1, s.v*s.d), s.v, s.d)
		optest.SameRows(t, s.n, s.d, func(n int) []float32 {
			out := gputest.F32(t, dev, make([]float32, n*s.d), n, s.d)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Sum(r, SumArgs{Table: table, IDs: gputest.I32(t, dev, ids[:n*s.k], n, s.k), Out: out})
			})
			return gputest.Read(t, out)
		})
	})
}

func TestIndex(t *testing.T) {
	starts, rows := []int32{9, 9, 9, 9}, []int32{9, 9, 9, 9, 9, 9}
	Index([]int32{2, 0, -1, 2, 2, 3}, 2, 3, starts, rows)
	if want := []int32{0, 1, 1, 4}; !slices.Equal(starts, want) {
		t.Errorf("starts %v, want %v", starts, want)
	}
	if want := []int32{0, 0, 1, 2, 9, 9}; !slices.Equal(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		f, i := gputest.F32(t, dev, make([]float32, 12), 3, 4), gputest.I32(t, dev, make([]int32, 4), 4)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":    func(r *gpu.Recorder) { Sum(r, SumArgs{Table: f, Out: f}) },
			"ids":    func(r *gpu.Recorder) { Sum(r, SumArgs{Table: f, IDs: i, Out: f}) },
			"float":  func(r *gpu.Recorder) { Sum(r, SumArgs{Table: f, IDs: f, Out: f}) },
			"d":      func(r *gpu.Recorder) { Sum(r, SumArgs{Table: f, IDs: i, Out: f.View(0, 4, 3)}) },
			"starts": func(r *gpu.Recorder) { SumGrad(r, SumGradArgs{DOut: f, DTable: f, Starts: i.View(0, 3), Rows: i}) },
			"grad d": func(r *gpu.Recorder) { SumGrad(r, SumGradArgs{DOut: f.View(0, 6, 2), DTable: f, Starts: i, Rows: i}) },
		})
	})
}

func BenchmarkSum(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []shape{{1, 512, 1, 4096}, {2048, 512, 1, 4096}, {2048, 256, 10, 4096}} {
		b.Run(fmt.Sprintf("rows=%d/cols=%d/ids=%d", s.n, s.d, s.k), func(b *testing.B) {
			table, ids := gputest.F32(b, dev, gputest.Normal(1, s.v*s.d), s.v, s.d), gputest.I32(b, dev, randomIDs(s), s.n, s.k)
			out := gputest.F32(b, dev, make([]float32, s.n*s.d), s.n, s.d)
			optest.Bench(b, dev, 4*s.n*(s.d*(s.k+1)+s.k), s.n, func(r *gpu.Recorder) { Sum(r, SumArgs{Table: table, IDs: ids, Out: out}) })
		})
	}
}

func BenchmarkSumGrad(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []shape{{2048, 512, 1, 4096}, {2048, 256, 10, 4096}} {
		b.Run(fmt.Sprintf("rows=%d/cols=%d/ids=%d", s.n, s.d, s.k), func(b *testing.B) {
			starts, rows := make([]int32, s.v+1), make([]int32, s.n*s.k)
			Index(randomIDs(s), s.k, s.v, starts, rows)
			args := SumGradArgs{
				DOut: gputest.F32(b, dev, gputest.Normal(1, s.n*s.d), s.n, s.d), DTable: gputest.F32(b, dev, make([]float32, s.v*s.d), s.v, s.d),
				Starts: gputest.I32(b, dev, starts, s.v+1), Rows: gputest.I32(b, dev, rows, s.n*s.k),
			}
			optest.Bench(b, dev, 4*s.n*s.k*s.d, s.n, func(r *gpu.Recorder) { SumGrad(r, args) })
		})
	}
}
