package systems_test

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestVARFilters draws from logits behind top-k, top-p and both, and compares how often
// each token comes with the probabilities of the authors' own filters. A token that they
// leave out never comes.
func TestVARFilters(t *testing.T) {
	const draws = 20000
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "var")
		logits := g.floats(t, "filter.in")
		for _, f := range []struct {
			name string
			k    int
			p    float32
		}{{"filter.k10.probs", 10, 1}, {"filter.p0.8.probs", 0, 0.8}, {"filter.k20_p0.6.probs", 20, 0.6}} {
			want := g.floats(t, f.name)
			v := len(want) / 3
			for row := range 3 {
				counts := make([]float64, v)
				for _, x := range drawMany(t, dev, logits[row*v:(row+1)*v], f.k, f.p, draws) {
					counts[x]++
				}
				chi, free := 0.0, -1.0
				for x, p := range want[row*v : (row+1)*v] {
					switch {
					case p > 0:
						expected := float64(p) * draws
						chi += (counts[x] - expected) * (counts[x] - expected) / expected
						free++
					case counts[x] > 0:
						t.Errorf("%s: row %d: token %d, which is left out, comes %g times", f.name, row, x, counts[x])
					}
				}
				if most := free + 5*math.Sqrt(2*max(free, 1)); chi > most {
					t.Errorf("%s: row %d: χ² is %.1f for %g degrees of freedom, want at most %.1f", f.name, row, chi, free, most)
				}
			}
		}
	})
}

// drawMany draws n tokens from a row of logits, each at a position of its own.
func drawMany(t *testing.T, dev *gpu.Device, logits []float32, k int, p float32, n int) []int32 {
	t.Helper()
	all, table, temps := make([]float32, 0, n*len(logits)), make([]int32, 0, n*sample.DrawWords), make([]float32, 0, 2*n)
	for i := range n {
		all = append(all, logits...)
		table = append(table, 7, 11, 3, int32(i), 0, int32(len(logits)), int32(k), 1)
		temps = append(temps, 1, p)
	}
	out := must(dev.NewTensor(tensor.U32, n, 1))(t)
	defer out.Free()
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		sample.Softmax(r, sample.SoftmaxArgs{
			Logits: gputest.F32(t, dev, all, n, len(logits)), Draw: gputest.I32(t, dev, table, n, sample.DrawWords).As(tensor.U32), Temp: gputest.F32(t, dev, temps, n, 2), Out: out,
		})
	})
	got := make([]int32, n)
	if err := out.ReadI32(got); err != nil {
		t.Fatal(err)
	}
	return got
}
