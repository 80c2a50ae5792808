package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/train"
)

// near returns another network's weights, some moved a little. It mostly draws the same
// tokens.
func near(t *testing.T, dev *gpu.Device, f *safetensors.File, by float32) *safetensors.File {
	t.Helper()
	net, err := train.NewNetwork(dev, config.System(), 1, 8, train.NetworkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Free()
	if err := net.Store().Load(f, false); err != nil {
		t.Fatal(err)
	}
	p, err := net.Store().P.F32()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		p[i] += by * float32(i%7-3)
	}
	path := filepath.Join(t.TempDir(), "near.safetensors")
	if err := net.Store().P.WriteF32(p); err != nil {
		t.Fatal(err)
	}
	if err := net.Store().Save(path, safetensors.F32, false, nil); err != nil {
		t.Fatal(err)
	}
	g, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// short requests stay within the context, where tokens can be drafted.
func short(n int) (out []Request) {
	for i := range n {
		r := request(i)
		tokens := r.Tokens
		out = append(out, scheduled(r.ID, tokens, len(tokens)+1+i%(config.Context-len(tokens))))
		if i%3 == 0 {
			out[i].Temperature = 0
		}
	}
	return out
}

// TestDraftedTokensAreThoseWithout draws with several drafts: the network itself, one
// close to it, and an unrelated one. Requests that draw at temperature 0, and some with
// prompts, are among them.
func TestDraftedTokensAreThoseWithout(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := weights(t, dev)
		const n, ahead = 24, 4
		rs := short(n)
		rs = append(rs, mixed(6)...) // some that cannot be drafted for
		want := generate(t, open(t, dev, Options{Slots: 4}), rs)
		kept := map[string]float64{}
		for name, by := range map[string]float32{"itself": 0, "near": 0.01, "far": 1} {
			for _, slots := range []int{2, 8} {
				e, err := New(dev, config.System(), nn.File(w), Options{Slots: slots, Draft: &Draft{System: config.System(), Weights: nn.File(near(t, dev, w, by)), Ahead: ahead}})
				if err != nil {
					t.Fatal(err)
				}
				for i, got := range generate(t, e, rs) {
					if !slices.Equal(got.Tokens, want[i].Tokens) {
						t.Errorf("draft %s, %d slots: request %s draws %v, without %v", name, slots, rs[i].ID, got.Tokens, want[i].Tokens)
					}
				}
				s := e.Stats()
				kept[name] = float64(s.Kept) / float64(s.Checked)
				e.Close()
			}
		}
		t.Logf("tokens kept a check, of %d: %v", ahead, kept)
		if kept["itself"] <= kept["near"] || kept["near"] <= kept["far"] || kept["far"] < 1 {
			t.Errorf("tokens kept a check: %v", kept)
		}
	})
}

// TestDraftedDistribution draws two tokens of some thousand requests with a draft. It
// compares how often each pair comes with the probability in the network that trains.
func TestDraftedDistribution(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := weights(t, dev)
		d := Draft{System: config.System(), Weights: nn.File(near(t, dev, w, 0.05)), Ahead: 2}
		if chi := drawnPairs(t, dev, w, d, pairs(t, dev, w, 3)); chi > 344 { // of 255 degrees of freedom, exceeded once in ten thousand
			t.Errorf("chi-square %.1f: the pairs are not drawn by their probabilities", chi)
		}
	})
}

// TestRelaxedDistribution relaxes the check of a draft, by nothing and by half. The pairs
// come as often as float64 says, and no further from the network's than the bound.
func TestRelaxedDistribution(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := weights(t, dev)
		other := near(t, dev, w, 0.05)
		p, q := pairs(t, dev, w, 3), pairs(t, dev, other, 3)
		ring := make([]uint32, 0, 32) // of each token, those beside it
		for x := range uint32(16) {
			ring = append(ring, (x+1)%16, (x+15)%16)
		}
		for _, delta := range gputest.Pick(1, []float64{0.5, 0}) {
			want, bound := relaxedPairs(p, q, ring, delta)
			away := 0.0
			for i := range p {
				away += math.Abs(want[i]-p[i]) / 2
			}
			chi := drawnPairs(t, dev, w, Draft{System: config.System(), Weights: nn.File(other), Ahead: 2, Relax: &Relax{Near: ring, Delta: delta}}, want)
			t.Logf("delta %g: total variation of two tokens %.4f, bound %.4f", delta, away, bound)
			if chi > 344 || away > bound+1e-6 || delta == 0 && away > 1e-6 {
				t.Errorf("delta %g: chi-square %.1f, total variation %g, bound %g", delta, chi, away, bound)
			}
		}
		if _, err := New(dev, config.System(), nn.File(w), Options{Draft: &Draft{System: config.System(), Weights: nn.File(w), Ahead: 2, Relax: &Relax{Near: ring[:31]}}}); !errors.Is(err, ErrRequest) {
			t.Errorf("near tokens of 31 numbers: %v", err)
		}
	})
}

// relaxedPairs are the probabilities of two tokens behind a relaxed check of a draft of the
// first, and of the second if the first was rejected. The bound is of the total variation
// from p.
func relaxedPairs(p, q []float64, near []uint32, delta float64) (out []float64, bound float64) {
	first := func(x []float64) []float64 {
		sums := make([]float64, 16)
		for i, y := range x {
			sums[i/16] += y
		}
		return sums
	}
	second := func(x []float64, a int) []float64 {
		row := slices.Clone(x[16*a : 16*a+16])
		sum := 0.0
		for _, y := range row {
			sum += y
		}
		for i := range row {
			row[i] /= sum
		}
		return row
	}
	kept, instead, bound := relaxed(first(p), first(q), near, delta)
	out = make([]float64, 256)
	for a := range 16 {
		then := second(p, a)
		again, other, more := relaxed(then, second(q, a), near, delta)
		for b := range 16 {
			out[16*a+b] = kept[a]*then[b] + instead[a]*(again[b]+other[b])
		}
		bound += instead[a] * more
	}
	return out, bound
}

// relaxed says how often a token is drafted and kept, and how often it comes instead of a
// rejected one, see sample.Accept.
func relaxed(p, q []float64, near []uint32, delta float64) (kept, instead []float64, bound float64) {
	kept, instead = make([]float64, len(p)), make([]float64, len(p))
	rejected, rest := 1.0, 0.0
	for x := range q {
		added, k := 0.0, len(near)/len(p)
		for _, n := range near[x*k : (x+1)*k] {
			if added+p[n] > delta {
				break
			}
			added += p[n]
		}
		kept[x] = min(q[x], p[x]+added)
		rejected -= kept[x]
		rest += max(p[x]-q[x], 0)
		bound += min(max(q[x]-p[x], 0), added)
	}
	for x := range p {
		instead[x] = rejected * max(p[x]-q[x], 0) / rest
	}
	return kept, instead, bound
}

// drawnPairs draws two tokens behind a first of some thousand requests with a draft. It
// returns the chi-square of the pairs.
func drawnPairs(t *testing.T, dev *gpu.Device, w *safetensors.File, d Draft, want []float64) float64 {
	t.Helper()
	e, err := New(dev, config.System(), nn.File(w), Options{Slots: 64, Precision: nn.F32, Draft: &d})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	n := gputest.Pick(1, []int{2500, 10000})
	requests := n[len(n)-1]
	counts := make([]float64, 256)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := worker; i < requests; i += 64 {
				res, err := e.Generate(context.Background(), scheduled(fmt.Sprint("c", i), []uint32{3}, 3))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				counts[res.Tokens[1]*16+res.Tokens[2]]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	chi := 0.0
	for pair, p := range want {
		d := counts[pair] - float64(requests)*p
		chi += d * d / (float64(requests) * p)
	}
	t.Logf("chi-square of 255 degrees of freedom, %d requests: %.1f", requests, chi)
	return chi
}

// pairs are the probabilities of two tokens behind a first, by the losses of training.
func pairs(t *testing.T, dev *gpu.Device, w *safetensors.File, first uint32) []float64 {
	t.Helper()
	net, err := train.NewNetwork(dev, config.System(), 1, 3, train.NetworkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Free()
	if err := net.Store().Load(w, false); err != nil {
		t.Fatal(err)
	}
	out := make([]float64, 256)
	sum := 0.0
	for pair := range out {
		s, err := train.Join(config.System(), order.Fixed(chain(0, 3).Runs(0, 1, 1)...), []uint32{first, uint32(pair / 16), uint32(pair % 16)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := net.SetBatch([]train.Window{{Seq: s, To: 3}}); err != nil {
			t.Fatal(err)
		}
		loss, err := net.Forward()
		if err != nil {
			t.Fatal(err)
		}
		out[pair] = math.Exp(-2 * loss) // the mean of two tokens
		sum += out[pair]
	}
	if math.Abs(sum-1) > 1e-4 {
		t.Fatalf("the probabilities sum to %g", sum)
	}
	return out
}
