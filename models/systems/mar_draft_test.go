package systems_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// movedWeights are another network's, each moved by a part of its size. The head says little
// of what it is told, and that the last noise is wide: random weights make tokens else that
// are nowhere near those of another network. The mean of a token's first number is moved too.
type movedWeights struct {
	nn.Weights
	by, first float32
}

func (w movedWeights) Floats(name string) ([]float32, error) {
	x, err := w.Weights.Floats(name)
	h := fnv.New64a()
	h.Write([]byte(name))
	for i, z := range gputest.Normal(h.Sum64(), len(x)) {
		x[i] += w.by * z * float32(math.Abs(float64(x[i])))
	}
	if name == "diffloss.net.final_layer.linear.weight" {
		for i := range x {
			x[i] *= 0.05
		}
	}
	if name == "diffloss.net.final_layer.linear.bias" {
		x[0] += w.first
		for i := len(x) / 2; i < len(x); i++ {
			x[i]++ // of the variance
		}
	}
	return x, err
}

const (
	draftSets  = 7 // of which the last five are drafted
	draftAhead = 3
)

// drafted asks for a sample whose sets are drafted, or joined where the engine has no draft.
func drafted(s *system.System, id string, guidance float32) engine.Request {
	p := system.Prompt{Class: 3, Steps: draftSets, Ahead: draftAhead, Guidance: guidance, Inner: [2]int{2, 2}}
	r := request(s, id, p, 1)
	r.Drafts = func() (system.Schedule, error) {
		p.Ahead = 0
		return s.Schedule(p)
	}
	return r
}

// samples draws n samples, and returns the numbers of each.
func samples(t *testing.T, e *engine.Engine, s *system.System, name string, n int, guidance float32) [][]float32 {
	t.Helper()
	out := make([][]float32, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			r, err := e.Generate(context.Background(), drafted(s, fmt.Sprint(name, i), guidance))
			if err != nil {
				t.Error(err)
			}
			out[i] = r.Numbers()
		})
	}
	wait.Wait()
	return out
}

// apart is the largest distance of the distribution functions of two samples of as many
// numbers, times the root of half their number (Kolmogorov and Smirnov).
func apart(a, b [][]float32, number int) (most float64) {
	sorted := func(x [][]float32) (out []float32) {
		for _, y := range x {
			out = append(out, y[number])
		}
		slices.Sort(out)
		return out
	}
	x, y, j := sorted(a), sorted(b), 0
	for i := range x {
		for j < len(y) && y[j] < x[i] {
			j++
		}
		most = max(most, math.Abs(float64(i-j)), math.Abs(float64(i+1-j)))
	}
	return most / float64(len(x)) * math.Sqrt(float64(len(x))/2)
}

// TestMARDraftedDistribution draws many pictures with a draft whose network is
// another, and as many without one, whose sets are joined. Each number is distributed alike,
// though the draft alone draws otherwise.
func TestMARDraftedDistribution(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		const n = 1500
		w := movedWeights{Weights: nn.File(g.weights)}
		other := movedWeights{nn.File(g.weights), 0.1, 1.2}
		o := engine.Options{Slots: 64, Precision: nn.F32}
		draw := func(w nn.Weights, d *engine.Draft, name string) ([][]float32, engine.Stats) {
			o.Draft = d
			e := must(engine.New(dev, g.sys, w, o))(t)
			defer e.Close()
			return samples(t, e, g.sys, name, n, 0), e.Stats()
		}
		plain, _ := draw(w, nil, "plain")
		draft, _ := draw(other, nil, "draft")
		checked, stats := draw(w, &engine.Draft{System: g.sys, Weights: other, Ahead: draftAhead}, "checked")
		worst, power := 0.0, 0.0
		for i := range plain[0] {
			worst, power = max(worst, apart(plain, checked, i)), max(power, apart(plain, draft, i))
		}
		share := float64(stats.Kept) / float64(n) / float64(draftedTokens(t, g.sys))
		t.Logf("of %d numbers the largest distance is %.2f with a draft, and that of the draft %.2f; %.3f of the proposals stay", len(plain[0]), worst, power, share)
		if worst > 2.7 { // exceeded once in 5,000 times by one of 192
			t.Errorf("drafted numbers are distributed otherwise: %.2f", worst)
		}
		if power < 4 || share < 0.05 || share > 0.95 {
			t.Errorf("the draft is no test: its distance is %.2f, and %.3f of its proposals stay", power, share)
		}
	})
}

// draftedTokens counts the tokens of a picture that are drafted.
func draftedTokens(t *testing.T, s *system.System) (n int) {
	for _, r := range runsOf(t, s, system.Prompt{Class: 3, Steps: draftSets, Ahead: draftAhead}) {
		if r.Drafted {
			n += r.Targets.N
		}
	}
	return n
}

// TestMARDrafts draws with drafts in several companies, with guidance and without. Samples do
// not depend on the company. The engine's own takes fewer steps, of a draft that is right more
// tokens stay than of another, and of a relaxed check all.
func TestMARDrafts(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		w := movedWeights{Weights: nn.File(g.weights)}
		share := map[string]float64{}
		for _, c := range []struct {
			name     string
			by       float32
			guidance float32
			heat     float64
		}{{"itself", 0, 0, 1}, {"itself, guided", 0, 3, 1}, {"near", 0.03, 0, 1}, {"far", 0.2, 3, 1}, {"relaxed", 0.2, 0, 42}} {
			var before [][]float32
			for _, slots := range []int{2, 12} {
				d := &engine.Draft{System: g.sys, Weights: movedWeights{nn.File(g.weights), c.by, 0}, Ahead: draftAhead, Relax: &engine.Relax{Temperature: c.heat}}
				e := must(engine.New(dev, g.sys, w, engine.Options{Slots: slots, Precision: nn.F32, Draft: d, Pages: 5 * slots / 4}))(t)
				got := samples(t, e, g.sys, "a", 6, c.guidance)
				s := e.Stats()
				share[c.name] = float64(s.Kept) / 6 / float64(draftedTokens(t, g.sys))
				if before != nil && !slices.EqualFunc(before, got, slices.Equal) {
					t.Errorf("%s: samples depend on the company", c.name)
				}
				before = got
				r, err := e.Generate(context.Background(), drafted(g.sys, "a0", c.guidance))
				if err != nil || r.Steps != 4 || !slices.Equal(r.Numbers(), got[0]) {
					t.Errorf("%s: %d steps, want 4: two sets, then three, then two at once; error %v", c.name, r.Steps, err)
				}
				e.Close()
			}
		}
		t.Logf("shares of proposals that stay: %v", share)
		if !(share["itself"] > share["near"] && share["near"] > share["far"] && share["relaxed"] > 0.99 && share["itself, guided"] > share["far"]) {
			t.Errorf("shares of proposals that stay: %v", share)
		}
		refuse := func(why string, s *system.System, d *engine.Draft) {
			if _, err := engine.New(dev, s, w, engine.Options{Draft: d}); !errors.Is(err, engine.ErrRequest) {
				t.Errorf("%s: %v", why, err)
			}
		}
		refuse("guesses", g.sys, &engine.Draft{Ahead: 4})
		refuse("cool", g.sys, &engine.Draft{System: g.sys, Weights: w, Ahead: 4, Relax: &engine.Relax{Temperature: 0.5}})
		refuse("another's tokens", g.sys, &engine.Draft{System: open(t, "xar").sys, Weights: w, Ahead: 4})
		e := must(engine.New(dev, g.sys, w, engine.Options{Slots: 2, Draft: &engine.Draft{System: g.sys, Weights: w, Ahead: 3}}))(t)
		defer e.Close()
		for why, p := range map[string]system.Prompt{"passes": {Class: 3, Steps: draftSets, Inner: [2]int{5, 5}}, "sets": {Class: 3, Steps: 5}} {
			r := drafted(g.sys, "b", 0)
			r.Drafts = func() (system.Schedule, error) { return g.sys.Schedule(p) }
			if _, err := e.Generate(context.Background(), r); !errors.Is(err, engine.ErrRequest) {
				t.Errorf("a draft of other %s: %v", why, err)
			}
		}
	})
}
