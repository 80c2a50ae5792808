package train

import (
	"fmt"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
)

// TestThreadsChangeNoBit draws and trains on one, two and three threads.
func TestThreadsChangeNoBit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		if !dev.OnCPU() {
			t.Skip("not a CPU")
		}
		var first results
		for threads := 1; threads <= 3; threads++ {
			got := runAll(t, gputest.Open(t, gpu.Options{Device: dev.Info().Name, Threads: threads}))
			if first.tokens == nil {
				first = got
			}
			for name, tokens := range got.tokens {
				if !slices.EqualFunc(tokens, first.tokens[name], slices.Equal) {
					t.Errorf("%s: other tokens on %d threads than on one", name, threads)
				}
			}
			if got.loss != first.loss || !slices.Equal(got.gradient, first.gradient) {
				t.Errorf("on %d threads a step has the loss %g, on one %g, and their gradients differ", threads, got.loss, first.loss)
			}
		}
	})
}

type results struct {
	tokens   map[string][][]uint32
	loss     float64
	gradient []float32
}

// runAll draws in the precisions of [drawn], one sequence and four, and takes a step of training.
func runAll(t *testing.T, dev *gpu.Device) results {
	const n = 60
	c := packable()
	f := savedWeights(t, dev, c)
	out := results{tokens: map[string][][]uint32{}}
	for _, p := range drawn() {
		dec := newDecoder(t, dev, c, f, engine.DecoderOptions{Slots: 4, Precision: p})
		for _, slots := range [][]int{{2}, {0, 1, 2, 3}} {
			var seqs []*Sequence
			for i := range slots {
				seqs = append(seqs, chain(c, n, uint64(i)))
			}
			out.tokens[fmt.Sprint(p, len(slots))] = drawAll(t, dec, c, seqs, 8, n, slots, 7)
		}
		dec.Free()
	}
	net := must(NewNetwork(dev, c.System(), 4, c.Context, NetworkOptions{}))(t)
	defer net.Free()
	check(t, net.Store().Init(5))
	var ws []Window
	for i := range uint64(4) {
		ws = append(ws, Window{Seq: chain(c, c.Context, i), To: c.Context})
	}
	must(net.SetBatch(ws))(t)
	out.loss = must(net.Backward())(t)
	out.gradient = must(net.Store().G.F32())(t)
	return out
}
