package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
	"github.com/morton-gen/morton/models/train"
)

// network is one over plain tokens of a source of 64 letters.
func network(width, layers, heads, hidden int) systems.Decoder {
	return systems.Decoder{
		Width: width, Layers: layers, Heads: heads, Hidden: hidden, RopePairs: []int{width / heads / 2}, RopeTheta: 1e4,
		StaticRows: 1, Fed: 1, Sub: 1, Vocab: 64, Context: 256, Length: 256, Group: 1,
	}
}

// letters is a sequence of a source in which a letter decides the next one, nine times in
// ten: what a network can learn in a minute.
func letters(c systems.Decoder, n int, seed uint64) (*train.Sequence, error) {
	r := rand.New(rand.NewPCG(seed, 1))
	var tokens []uint32
	last := r.IntN(64)
	for range n {
		next := (5*last + 7) % 64
		if r.IntN(10) == 0 {
			next = r.IntN(64)
		}
		tokens = append(tokens, uint32(next))
		last = next
	}
	return train.Join(c.System(), letterRows(n, 0), tokens)
}

// letterRows is the request for n letters, of which the first are given.
func letterRows(n, given int) system.Schedule {
	var s order.Positions
	for p := range n {
		s.Add(nil, []int32{int32(p - 1)}, []int32{int32(p)}, int32(p+1), 0, 64)
	}
	return order.Fixed(s.Runs(0, given, 1)...)
}

// learned trains a network on the source.
// sequences are a source of training samples in memory.
type sequences []*train.Sequence

func (s sequences) Rows() (rows []int) {
	for _, q := range s {
		rows = append(rows, q.N)
	}
	return rows
}

func (s sequences) Sequence(i int) (*train.Sequence, error) { return s[i], nil }

func learned(b *testing.B, dev *gpu.Device, c systems.Decoder, steps int) nn.Weights {
	b.Helper()
	net, err := train.NewNetwork(dev, c.System(), 8, 128, train.NetworkOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer net.Free()
	if err := net.Store().Init(1); err != nil {
		b.Fatal(err)
	}
	var data sequences
	for i := range uint64(200) {
		q, err := letters(c, 128, i)
		if err != nil {
			b.Fatal(err)
		}
		data = append(data, q)
	}
	task, err := train.NewSequences(net, 3, data[8:], data[:8], 0)
	if err != nil {
		b.Fatal(err)
	}
	curve, err := train.Run(context.Background(), dev, task, train.Options{Steps: steps, Rate: 3e-3, Dir: b.TempDir(), EvalEvery: steps})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d parameters, held-out loss %.2f nats after %d steps", net.Store().Count(), curve.Points[len(curve.Points)-1].Heldout, steps)
	path := filepath.Join(b.TempDir(), "w.safetensors")
	if err := net.Store().Save(path, safetensors.F16, false, nil); err != nil {
		b.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return nn.File(f)
}

// BenchmarkDraft draws with a network of 4.6M parameters, alone and with one of 50,000 that
// drafts for it. Both have learned the same source.
func BenchmarkDraft(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	big, small := network(256, 6, 4, 640), network(64, 1, 4, 128)
	w, d := learned(b, dev, big, 120), learned(b, dev, small, 600)
	for _, ahead := range []int{0, 4, 8} {
		b.Run(fmt.Sprintf("ahead=%d", ahead), func(b *testing.B) {
			o := Options{Slots: 1}
			if ahead > 0 {
				o.Draft = &Draft{System: small.System(), Weights: d, Ahead: ahead}
			}
			e, err := New(dev, big.System(), w, o)
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			draw := func(i int) {
				given, err := letters(big, 16, uint64(1000+i))
				if err != nil {
					b.Fatal(err)
				}
				r := Request{ID: fmt.Sprint(i), Temperature: 1, TopP: 1, End: -1, Tokens: given.Tokens, Schedule: func() (system.Schedule, error) {
					return letterRows(256, 16), nil
				}}
				if _, err := e.Generate(context.Background(), r); err != nil {
					b.Fatal(err)
				}
			}
			draw(0) // compiles
			n := 0
			for b.Loop() {
				n++
				draw(n)
			}
			b.ReportMetric(float64(240*n)/b.Elapsed().Seconds(), "tokens/s")
			if s := e.Stats(); s.Checked > 0 {
				b.ReportMetric(float64(s.Kept)/float64(s.Checked), "kept/check")
			}
		})
	}
}
