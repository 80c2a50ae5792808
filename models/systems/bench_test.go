package systems_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// shapes are weights of given shapes, random and small: they are timed, not looked at.
type shapes map[string][]int

func (s shapes) Names() (names []string) {
	for n := range s {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (s shapes) Shape(name string) ([]int, bool) { x, ok := s[name]; return x, ok }

func (s shapes) Floats(name string) ([]float32, error) {
	n := 1
	for _, d := range s[name] {
		n *= d
	}
	r := rand.New(rand.NewPCG(1, uint64(len(name))))
	out := make([]float32, n)
	for i := range out {
		out[i] = (r.Float32() - 0.5) / 16
	}
	return out, nil
}

// size is one of LlamaGen's.
type size struct{ dim, layers, hidden, vocab, classes int }

var sizeB = size{768, 12, 2048, 16384, 1000} // 111M parameters

// shapesOf are the tensors of a network of a size, with further ones.
func shapesOf(z size, layers int, more shapes) shapes {
	s := shapes{"tok_embeddings.weight": {z.vocab, z.dim}, "cls_embedding.embedding_table.weight": {z.classes + 1, z.dim}}
	for i := range layers {
		p := fmt.Sprintf("layers.%d.", i)
		s[p+"attention.wqkv.weight"], s[p+"attention.wo.weight"] = []int{3 * z.dim, z.dim}, []int{z.dim, z.dim}
		s[p+"feed_forward.w1.weight"], s[p+"feed_forward.w3.weight"] = []int{z.hidden, z.dim}, []int{z.hidden, z.dim}
		s[p+"feed_forward.w2.weight"] = []int{z.dim, z.hidden}
		s[p+"attention_norm.weight"], s[p+"ffn_norm.weight"] = []int{z.dim}, []int{z.dim}
	}
	for n, x := range more {
		s[n] = x
	}
	return s
}

// orders are the systems that share the trunk, for pictures of 16 by 16 tokens.
func orders(z size) map[string]shapes {
	out := shapes{"norm.weight": {z.dim}, "output.weight": {z.vocab, z.dim}}
	with := func(more shapes) shapes {
		all := shapes{}
		for _, s := range []shapes{out, more} {
			for n, x := range s {
				all[n] = x
			}
		}
		return all
	}
	special := "spe_tok_embeddings.special_embeddings.weight"
	return map[string]shapes{
		"raster":    shapesOf(z, z.layers, out),
		"groups-4":  shapesOf(z, z.layers, with(shapes{special: {3, z.dim}})),
		"groups-16": shapesOf(z, z.layers, with(shapes{special: {15, z.dim}})),
		"shells":    shapesOf(z, z.layers+1, with(shapes{"medusa_norm.weight": {z.dim}, "medusa_output.weight": {z.vocab, z.dim}})),
	}
}

func openShapes(b testing.TB, s shapes) *system.System {
	b.Helper()
	p := must(system.Detect(s))(b)
	return must(p.Open([]byte(`{"block_size": 256, "n_head": 12}`), s))(b)
}

// passes are the steps of a schedule.
func passes(b testing.TB, s *system.System) (n int) {
	b.Helper()
	schedule := must(s.Schedule(system.Prompt{Class: 1}))(b)
	for {
		r, err := schedule.Next(nil)
		if err != nil {
			return n
		}
		n += r.Steps()
	}
}

// BenchmarkOrders draws whole pictures with one trunk of 111M parameters in the order of
// LlamaGen, in PAR's groups, and in NAR's shells. It reports the passes of each too.
func BenchmarkOrders(b *testing.B) {
	all := orders(sizeB)
	for _, name := range []string{"raster", "groups-4", "groups-16", "shells"} {
		sys := openShapes(b, all[name])
		for _, p := range nn.Precisions {
			for _, batch := range []int{1, 8} {
				b.Run(fmt.Sprintf("%s/%s/batch=%d", name, p, batch), func(b *testing.B) {
					benchOrder(b, sys, all[name], p, batch)
				})
			}
		}
	}
}

func benchOrder(b *testing.B, sys *system.System, w shapes, p nn.Precision, batch int) {
	dev := gputest.Open(b, gpu.Options{Grain: engine.Grain(sys, batch)})
	e := must(engine.New(dev, sys, w, engine.Options{Slots: batch, Precision: p}))(b)
	defer e.Close()
	drawPictures(b, e, sys, batch, "warm") // compiles
	pictures := 0
	report := gputest.Processor(b)
	for b.Loop() {
		drawPictures(b, e, sys, batch, fmt.Sprint(pictures))
		pictures += batch
	}
	report()
	b.ReportMetric(float64(passes(b, sys)), "passes")
	b.ReportMetric(float64(256*pictures)/b.Elapsed().Seconds(), "tokens/s")
}

// drawPictures draws pictures at once.
func drawPictures(b testing.TB, e *engine.Engine, sys *system.System, n int, id string) {
	b.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := e.Generate(context.Background(), request(sys, fmt.Sprint(id, i), system.Prompt{Class: i % 10}, 1)); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// small is a network of 5M parameters.
var small = size{256, 6, 640, 512, 10}

// mixture are systems of three schedules.
func mixture(b testing.TB) (*system.System, shapes) {
	b.Helper()
	s := shapesOf(small, small.layers, shapes{"norm.weight": {small.dim}, "output.weight": {small.vocab, small.dim}})
	p := must(system.Detect(s))(b)
	return must(p.Open([]byte(`{"block_size": 256, "n_head": 4}`), s))(b), s
}

// BenchmarkArrival measures how long a request waits for its first token while 31 others
// draw, in steps of that batch.
func BenchmarkArrival(b *testing.B) {
	sys, w := mixture(b)
	dev := gputest.Open(b, gpu.Options{Grain: engine.Grain(sys, 32)})
	e := must(engine.New(dev, sys, w, engine.Options{Slots: 32}))(b)
	defer e.Close()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 31 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, _ = e.Generate(ctx, request(sys, fmt.Sprint("o", i, "-", n), system.Prompt{Class: i % 10}, 1)) // ends by the context
			}
		})
	}
	time.Sleep(2 * time.Second) // they have begun, and kernels are compiled
	before := e.Stats()
	begin := time.Now()
	time.Sleep(3 * time.Second)
	after := e.Stats()
	rate := float64(after.Steps-before.Steps) / time.Since(begin).Seconds()
	var waits []float64
	for b.Loop() {
		res := must(e.Generate(ctx, request(sys, fmt.Sprint("new", len(waits)), system.Prompt{Class: 1}, 1)))(b)
		waits = append(waits, res.First.Seconds()*rate)
	}
	stop()
	wg.Wait()
	slices.Sort(waits)
	b.ReportMetric(waits[len(waits)/2], "steps-to-first")
	b.ReportMetric(1000/rate, "ms/step")
}

// mixedRequests are 32 requests of three schedules, for one network: in raster order, by
// groups of 4, and by groups of 16.
func mixedRequests(sys *system.System, id string) (out []engine.Request) {
	grid := order.Grid{T: 1, H: 16, W: 16}
	var special []int32 // behind the ten classes and that of none
	for i := range int32(15) {
		special = append(special, int32(small.classes)+1+i)
	}
	for i := range 32 {
		r := request(sys, fmt.Sprint(id, i), system.Prompt{Class: i % 10}, 1)
		r.Schedule = func() (system.Schedule, error) {
			var c order.Conditions
			grid.Condition(&c.Rows, int32(i%10))
			grid.Condition(&c.Other, int32(small.classes))
			switch i % 3 {
			case 0:
				return grid.Raster(c, nil), nil
			case 1:
				return grid.Groups(c, 2, special[:3], nil), nil
			}
			return grid.Groups(c, 4, special, nil), nil
		}
		out = append(out, r)
	}
	return out
}

// drawAll draws requests at once and returns the tokens of each.
func drawAll(b testing.TB, e *engine.Engine, rs []engine.Request) [][]uint32 {
	b.Helper()
	out := make([][]uint32, len(rs))
	var wg sync.WaitGroup
	for i, r := range rs {
		wg.Go(func() {
			res, err := e.Generate(context.Background(), r)
			if err != nil {
				b.Error(err)
				return
			}
			out[i] = res.Tokens
		})
	}
	wg.Wait()
	return out
}

// BenchmarkMixed draws 32 requests of three schedules one by one and all at once. It
// compares the tokens.
func BenchmarkMixed(b *testing.B) {
	for _, of := range []struct {
		name  string
		z     size
		heads int
	}{{"5M", small, 4}, {"111M", sizeB, 12}} {
		w := shapesOf(of.z, of.z.layers, shapes{
			"norm.weight": {of.z.dim}, "output.weight": {of.z.vocab, of.z.dim}, "spe_tok_embeddings.special_embeddings.weight": {15, of.z.dim},
		})
		p := must(system.Detect(w))(b)
		sys := must(p.Open(fmt.Appendf(nil, `{"block_size": 256, "n_head": %d}`, of.heads), w))(b)
		var alone [][]uint32
		for _, slots := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/slots=%d", of.name, slots), func(b *testing.B) {
				drawn := benchMixed(b, sys, w, slots)
				if alone == nil {
					alone = drawn
				}
				for i := range drawn {
					if !slices.Equal(drawn[i], alone[i]) {
						b.Errorf("request %d draws others together than alone", i)
					}
				}
			})
		}
	}
}

func benchMixed(b *testing.B, sys *system.System, w shapes, slots int) (drawn [][]uint32) {
	dev := gputest.Open(b, gpu.Options{Grain: engine.Grain(sys, slots)})
	e := must(engine.New(dev, sys, w, engine.Options{Slots: slots}))(b)
	defer e.Close()
	drawAll(b, e, mixedRequests(sys, "r")[:min(slots, 3)]) // compiles
	report := gputest.Processor(b)
	for b.Loop() {
		drawn = drawAll(b, e, mixedRequests(sys, "r"))
	}
	report()
	b.ReportMetric(float64(b.N*32*256)/b.Elapsed().Seconds(), "tokens/s")
	return drawn
}

// BenchmarkTogether draws 32 requests one by one and all at once.
func BenchmarkTogether(b *testing.B) {
	sys, w := mixture(b)
	for _, slots := range []int{1, 32} {
		b.Run(fmt.Sprintf("slots=%d", slots), func(b *testing.B) {
			dev := gputest.Open(b, gpu.Options{Grain: engine.Grain(sys, slots)})
			e := must(engine.New(dev, sys, w, engine.Options{Slots: slots}))(b)
			defer e.Close()
			drawPictures(b, e, sys, slots, "warm")
			n := 0
			for b.Loop() {
				drawPictures(b, e, sys, 32, fmt.Sprint(n))
				n++
			}
			b.ReportMetric(float64(n*32*256)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
