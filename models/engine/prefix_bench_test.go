package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/system"
)

// BenchmarkVariants measures how long eight variants of a prompt of 512 rows wait for their
// first tokens, in a network of 4.6M parameters, and the pages that they hold.
func BenchmarkVariants(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	c := network(256, 6, 4, 640)
	w := learned(b, dev, c, 1)
	c.Context, c.Length = 576, 576
	for _, apart := range []bool{true, false} {
		b.Run(fmt.Sprintf("apart=%v", apart), func(b *testing.B) {
			e, err := New(dev, c.System(), w, Options{Slots: 8, Apart: apart})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			prompts := 0
			round := func() (first []time.Duration) {
				prompts++
				tokens := make([]uint32, 512)
				for i := range tokens {
					tokens[i] = uint32(i*prompts+i/7) % 64
				}
				out := make([]Result, 8)
				var wg sync.WaitGroup
				for i := range out {
					wg.Go(func() {
						r := Request{ID: fmt.Sprint(i), Temperature: 1, TopP: 1, End: -1, Tokens: tokens, Schedule: func() (system.Schedule, error) {
							return letterRows(528, 512), nil
						}}
						var err error
						if out[i], err = e.Generate(context.Background(), r); err != nil {
							b.Error(err)
						}
					})
				}
				wg.Wait()
				for _, r := range out {
					first = append(first, r.First)
				}
				return first
			}
			round() // compiles
			var all []time.Duration
			for b.Loop() {
				all = append(all, round()...)
			}
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2].Seconds(), "s-to-first")
			b.ReportMetric(all[len(all)-1].Seconds(), "s-to-last-first")
			b.ReportMetric(float64(e.Stats().MostPages), "pages")
		})
	}
}
