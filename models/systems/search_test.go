package systems_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// low scores tokens by the last bits of their words.
func low(tokens []uint32) (sum float64) {
	for _, w := range tokens {
		sum += float64(w & 15)
	}
	return sum
}

// TestSearchServesEveryOrder searches over scales (VAR) and over sets of real numbers in two
// stages (MAR), with guidance, alone and in company. Among one hypothesis it is the sample.
func TestSearchServesEveryOrder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, every := range map[string]int{"var": 1, "mar": 2} {
			g := open(t, name)
			ask := func(i, width int) engine.Request {
				r := request(g.sys, fmt.Sprint("s", i), system.Prompt{Class: i, Guidance: 2}, 1)
				if width > 0 {
					r.Search = &engine.Search{Width: width, Keep: 1, Every: every, Score: low}
				}
				return r
			}
			alone := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 6}))(t)
			plain := must(alone.Generate(context.Background(), ask(1, 0)))(t)
			one := must(alone.Generate(context.Background(), ask(1, 1)))(t)
			best := must(alone.Generate(context.Background(), ask(1, 3)))(t)
			alone.Close()
			if !slices.Equal(plain.Tokens, one.Tokens) || best.Score != low(best.Tokens) || best.Steps != 3*plain.Steps {
				t.Errorf("%s: a search of one differs, or one of three says %g for %g, %d steps for %d", name, best.Score, low(best.Tokens), best.Steps, plain.Steps)
			}
			many := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 14}))(t)
			for i := range 2 { // the second time where other requests have been
				var wait sync.WaitGroup
				for k := range 2 {
					wait.Go(func() {
						res, err := many.Generate(context.Background(), ask((i+k)%2, 3))
						if err != nil || (i+k)%2 == 1 && !slices.Equal(res.Tokens, best.Tokens) {
							t.Errorf("%s: in company the search finds another sample: %v", name, err)
						}
					})
				}
				wait.Wait()
			}
			if s := many.Stats(); s.Pages != 0 {
				t.Errorf("%s: %d pages are still lent", name, s.Pages)
			}
			many.Close()
		}
	})
}
