package sample

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// topK64 sorts, stably.
func topK64(x []float32, k int) (values []float32, indices []int32) {
	ids := make([]int, len(x))
	for i := range ids {
		ids[i] = i
	}
	sort.SliceStable(ids, func(a, b int) bool { return x[ids[a]] > x[ids[b]] })
	for _, i := range ids[:k] {
		values, indices = append(values, x[i]), append(indices, int32(i))
	}
	return values, indices
}

func TestTopK(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range []struct{ n, v, k int }{{1, 1, 1}, {3, 7, 7}, {5, 100, 5}, {2, 1000, 64}} {
			x := gputest.Normal(1, s.n*s.v)
			for i := range x {
				if i%3 == 0 { // many ties
					x[i] = float32(int(x[i]))
				}
				x[i] += 0 // no −0, which the oracle cannot tell from 0
			}
			var values []float32
			var indices []int32
			for r := range s.n {
				v, i := topK64(x[r*s.v:(r+1)*s.v], s.k)
				values, indices = append(values, v...), append(indices, i...)
			}
			v, i := gputest.F32(t, dev, make([]float32, s.n*s.k), s.n, s.k), gputest.I32(t, dev, make([]int32, s.n*s.k), s.n, s.k)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				TopK(r, TopKArgs{X: gputest.F32(t, dev, x, s.n, s.v), K: s.k, Values: v, Indices: i})
			})
			got, err := i.I32()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, indices) || !slices.Equal(gputest.Read(t, v), values) {
				t.Errorf("%+v: got %v, want %v", s, got, indices)
			}
		}
	})
}

func TestTopKRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, v, k = 5, 90, 12
		x := gputest.Normal(2, n*v)
		optest.SameRows(t, n, k, func(m int) []float32 {
			out := gputest.F32(t, dev, make([]float32, m*k), m, k)
			gputest.Run(t, dev, func(r *gpu.Recorder) { TopK(r, TopKArgs{X: gputest.F32(t, dev, x[:m*v], m, v), K: k, Values: out}) })
			return gputest.Read(t, out)
		})
	})
}

func TestTopKShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 200), 2, 100)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"none":    func(r *gpu.Recorder) { TopK(r, TopKArgs{X: x, Values: x}) },
			"many":    func(r *gpu.Recorder) { TopK(r, TopKArgs{X: x, K: 65, Values: x.View(0, 2, 65)}) },
			"output":  func(r *gpu.Recorder) { TopK(r, TopKArgs{X: x, K: 5}) },
			"indices": func(r *gpu.Recorder) { TopK(r, TopKArgs{X: x, K: 5, Indices: x.View(0, 2, 5)}) },
		})
	})
}

func BenchmarkTopK(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n, v = 64, 16384
	x := gputest.F32(b, dev, gputest.Normal(1, n*v), n, v)
	for _, k := range []int{8, 64} { // every element is compared k times
		out := gputest.F32(b, dev, make([]float32, n*k), n, k)
		b.Run(fmt.Sprintf("rows=%d/vocabulary=%d/k=%d", n, v, k), func(b *testing.B) {
			optest.Bench(b, dev, 4*n*v*k, n, func(r *gpu.Recorder) { TopK(r, TopKArgs{X: x, K: k, Values: out}) })
		})
	}
}
