package sample

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// accepted is the oracle of Accept in float64: the probability of each token when drafted
// ones come from q, and a bound of its distance from p in total variation.
func accepted(p, q map[int32]float64, near []int32, k int, delta float64) (out map[int32]float64, bound float64) {
	out = map[int32]float64{}
	rejected, rest := 1.0, 0.0
	for x, w := range q {
		added := 0.0
		for _, n := range near[int(x)*k : (int(x)+1)*k] {
			if added+p[n] > delta {
				break
			}
			added += p[n]
		}
		out[x] = min(w, p[x]+added)
		rejected -= out[x]
		bound += min(max(w-p[x], 0), added)
	}
	for x, w := range p {
		rest += max(w-q[x], 0)
	}
	for x, w := range p {
		out[x] += rejected * max(w-q[x], 0) / rest
	}
	return out, bound
}

// nearest lists the k nearest tokens on a ring of v, of which token t stands at 7·t.
func nearest(v, k int) (out []int32) {
	back := make([]int32, v)
	for t := range v {
		back[7*t%v] = int32(t)
	}
	for t := range v {
		for i := range k {
			step := (i + 2) / 2
			if i%2 == 1 {
				step = -step
			}
			out = append(out, back[((7*t+step)%v+v)%v])
		}
	}
	return out
}

// TestAcceptFrequencies checks drafted tokens from one row of logits by another. Tokens
// come as often as the definition says, and no further from p than the bound.
func TestAcceptFrequencies(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const v, n, k = 37, 20000, 6
		x, y := gputest.Normal(9, v), gputest.Normal(12, v)
		for name, c := range map[string]struct {
			row
			k     int
			delta float32
		}{
			"exact":            {row{hi: v, temperature: 1, p: 1}, 0, 0.5},
			"no room":          {row{hi: v, temperature: 1, p: 1}, k, 0},
			"relaxed":          {row{hi: v, temperature: 1, p: 1}, k, 0.1},
			"relaxed more":     {row{hi: v, temperature: 1.3, p: 1}, k, 0.4},
			"range, filters":   {row{lo: 2, hi: 30, k: 20, temperature: 0.8, p: 0.95, least: 0.02}, k, 0.1},
			"filters, exactly": {row{lo: 2, hi: 30, k: 20, temperature: 0.8, p: 0.95, least: 0.02}, 0, 0},
		} {
			p, q := allowed(x, c.row), allowed(y, c.row)
			want, bound := accepted(p, q, nearest(v, c.k), c.k, float64(c.delta))
			got := checked(t, dev, x, y, c.row, n, nearest(v, c.k), c.k, c.delta)
			chi, distance, seen := 0.0, 0.0, 0.0
			for id, w := range want {
				if w == 0 {
					continue
				}
				d := got[id] - w*n
				chi += d * d / (w * n)
				seen += got[id]
				distance += math.Abs(w-p[id]) / 2
			}
			dof := float64(len(want) - 1)
			t.Logf("%s: chi-square %.1f, total variation %.3f, bound %.3f", name, chi, distance, bound)
			if limit := dof + 4*math.Sqrt(2*dof) + 10; chi > limit || seen != n {
				t.Errorf("%s: chi-square %.1f of %g degrees of freedom, limit %.1f; %g of %d tokens are possible", name, chi, dof, limit, seen, n)
			}
			if distance > bound+1e-9 || (c.k == 0 || c.delta == 0) != (distance < 1e-9) {
				t.Errorf("%s: total variation %g, bound %g", name, distance, bound)
			}
		}
	})
}

// checked drafts n tokens from logits y, checks them by logits x, and counts what comes out.
func checked(t *testing.T, dev *gpu.Device, x, y []float32, r row, n int, near []int32, k int, delta float32) map[int32]float64 {
	t.Helper()
	v := len(x)
	var d []int32
	for i := range n {
		d = append(d, 42, 7, 3, int32(i), r.lo, r.hi, r.k, 1)
	}
	draw, temp := gputest.U32(t, dev, d, n, DrawWords), gputest.F32(t, dev, slices.Repeat([]float32{r.temperature, r.p, r.least}, n), n, 3)
	logits := gputest.F32(t, dev, slices.Repeat(x, n), n, v)
	said, canvas := gputest.F32(t, dev, slices.Repeat(y, n), n, v), gputest.I32(t, dev, make([]int32, n), n)
	proposals, tokens, out := must(dev.NewTensor(tensor.F32, 1, n, v))(t), must(dev.NewTensor(tensor.U32, 1, n))(t), must(dev.NewTensor(tensor.U32, n))(t)
	a := AcceptArgs{Logits: logits, Proposals: proposals, Tokens: tokens, Canvas: canvas, Draw: draw, Temp: temp, Out: out, Delta: delta, Ahead: n + 1}
	if k > 0 {
		a.Near = gputest.U32(t, dev, near, v, k)
	}
	gputest.Run(t, dev, func(rec *gpu.Recorder) {
		Softmax(rec, SoftmaxArgs{Logits: said, Draw: draw, Temp: temp, Out: tokens.View(0, n)})
		Propose(rec, ProposeArgs{Logits: said, Canvas: canvas, Draw: draw, Out: proposals})
		Accept(rec, a)
	})
	counts := map[int32]float64{}
	for _, id := range must(out.I32())(t) {
		counts[id]++
	}
	return counts
}

func must[T any](x T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestAcceptGreedy takes the likeliest token, or a drafted one that it is near to.
func TestAcceptGreedy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := []float32{0, 3, 1, 0, 2.5, 0} // token 1 has probability 0.48
		near := []int32{5, 1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0}
		for i, c := range []struct {
			drafted int32
			delta   float32
			last    bool
			want    int32
		}{
			{1, 0, false, 1},
			{2, 0.6, false, 2},
			{2, 0.4, false, 1},
			{0, 0.6, false, 0}, // the likeliest is its second
			{0, 0.49, false, 1},
			{4, 1, false, 1},
			{2, 0.6, true, 1},
		} {
			tokens, out := gputest.U32(t, dev, []int32{0, c.drafted}, 1, 2), gputest.U32(t, dev, []int32{9}, 1)
			ahead := 2
			if c.last {
				ahead = 1
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Accept(r, AcceptArgs{
					Logits: gputest.F32(t, dev, x, 1, 6), Proposals: gputest.F32(t, dev, make([]float32, 12), 1, 2, 6), Tokens: tokens, Near: gputest.U32(t, dev, near, 6, 2),
					Canvas: gputest.I32(t, dev, []int32{0}, 1), Draw: gputest.U32(t, dev, []int32{1, 2, 3, 1, 0, 6, 0, 1}, 1, DrawWords),
					Temp: gputest.F32(t, dev, []float32{0, 1, 0}, 1, 3), Out: out, Delta: c.delta, Ahead: ahead,
				})
			})
			if got := must(out.I32())(t); got[0] != c.want {
				t.Errorf("case %d: token %d, want %d", i, got[0], c.want)
			}
		}
		r := dev.NewRecorder()
		Accept(r, AcceptArgs{Logits: gputest.F32(t, dev, x, 1, 6), Proposals: gputest.F32(t, dev, x, 1, 6), Ahead: 1})
		if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
			t.Error(fmt.Errorf("proposals of no positions: %w", err))
		}
	})
}
