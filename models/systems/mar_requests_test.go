package systems_test

import (
	"context"
	"errors"
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

// TestMARCompany draws requests of several steps, passes and scales alone, and all at
// once in an engine with few slots and pages. The bits are the same.
func TestMARCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		prompts := []system.Prompt{
			{Class: 3, Steps: 5, Guidance: 3},
			{Class: 7, Steps: 5, Guidance: 1},
			{Class: -1, Steps: 3, Guidance: 1, Inner: [2]int{9, 4}},
			{Class: 1, Steps: 7, Guidance: 2, Ramp: system.Constant, Inner: [2]int{5, 5}},
			{Class: 1, Steps: 16, Guidance: 1.5, Inner: [2]int{2, 8}},
			{Class: 3, Steps: 1, Guidance: 3},
		}
		want := inCompany(t, dev, g.sys, nn.File(g.weights), "p", prompts, 0.9, []engine.Options{{Slots: 12}, {Slots: 5, Pages: 4}, {Slots: 3, Steps: 1, Rows: 1}})
		for i := range want {
			if slices.ContainsFunc(want[i], func(x uint32) bool { return x == 0 || x&0x7f800000 == 0x7f800000 }) {
				t.Errorf("request %d: numbers that are 0 or not finite", i)
			}
			if i > 0 && slices.Equal(want[i], want[0]) {
				t.Errorf("requests 0 and %d are the same", i)
			}
		}
	})
}

// TestMARGuidance draws with a scale of guidance of 1 in every step, in two branches. It
// gives the bits of no guidance.
func TestMARGuidance(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 2}))(t)
		defer e.Close()
		p := system.Prompt{Class: 4, Steps: 4}
		plain := request(g.sys, "a", p, 1)
		p.Guidance = 3
		guided := request(g.sys, "a", p, 1)
		guided.Schedule = func() (system.Schedule, error) { s, err := g.sys.Schedule(p); return unguided{s.(system.Seeded)}, err }
		a, b := must(e.Generate(context.Background(), plain))(t), must(e.Generate(context.Background(), guided))(t)
		if !slices.Equal(a.Tokens, b.Tokens) {
			t.Error("guidance by 1 changes bits")
		}
		c := must(e.Generate(context.Background(), request(g.sys, "a", p, 1)))(t)
		if slices.Equal(a.Tokens, c.Tokens) {
			t.Error("guidance by 3 changes nothing")
		}
	})
}

// unguided is a schedule whose scales are all 1.
type unguided struct{ system.Seeded }

func (u unguided) Next(tokens []uint32) (system.Run, error) {
	r, err := u.Seeded.Next(tokens)
	for i := range r.Targets.Scale {
		r.Targets.Scale[i] = 1
	}
	return r, err
}

// TestMARPrompts checks what a prompt may not ask for.
func TestMARPrompts(t *testing.T) {
	g := open(t, "mar")
	for name, p := range map[string]system.Prompt{
		"class": {Class: 10}, "steps": {Steps: -1}, "ramp": {Ramp: "cosine"}, "passes": {Inner: [2]int{60, 5}}, "one of two": {Inner: [2]int{0, 5}},
		"short order": {Order: []int32{1, 2}}, "twice": {Order: []int32{0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}}, "text": {Text: []float32{1}},
	} {
		if _, err := g.sys.Schedule(p); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMARPasses counts the passes of annealed requests by the paper's rule: entry
// int((K-1-k)/(K-1)·45) of the schedules of 5 to 50 passes for step k of K.
func TestMARPasses(t *testing.T) {
	g := open(t, "mar")
	count := func(p system.Prompt) (sets, passes int) {
		for _, r := range runsOf(t, g.sys, p) {
			if r.GroupTargets > 0 {
				sets++
				passes += int(r.Targets.Passes[1] - r.Targets.Passes[0])
			}
		}
		return sets, passes
	}
	for _, c := range []struct {
		inner        [2]int
		sets, passes int
	}{{[2]int{}, 16, 16 * 8}, {[2]int{50, 50}, 16, 16 * 50}, {[2]int{50, 5}, 16, 440}, {[2]int{5, 20}, 16, 200}} {
		if sets, passes := count(system.Prompt{Steps: 16, Inner: c.inner}); sets != c.sets || passes != c.passes {
			t.Errorf("%v: %d sets with %d passes, want %d with %d", c.inner, sets, passes, c.sets, c.passes)
		}
	}
}

// TestMARSparse draws with attention to some blocks of keys. Where all are kept, and where
// every step sees everything, samples have the bits of those without. Else they depend on the
// request alone, with guidance too, also where requests begin again for want of pages.
func TestMARSparse(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		published := must(system.Detect(nn.File(g.weights)))(t)
		with := func(sparse string) *system.System {
			config := `{"patch_size": 2, "encoder_num_heads": 4, "decoder_num_heads": 3, "num_sampling_steps": "ddim8"` + sparse + `}`
			return must(published.Open([]byte(config), nn.File(g.weights)))(t)
		}
		draw := func(sparse string, slots, n int) [][]float32 {
			s := with(sparse)
			e := must(engine.New(dev, s, nn.File(g.weights), engine.Options{Slots: slots}))(t)
			defer e.Close()
			out := make([][]float32, n)
			var wait sync.WaitGroup
			for i := range n {
				wait.Go(func() {
					r, err := e.Generate(context.Background(), request(s, fmt.Sprint(i), system.Prompt{Class: i, Steps: 8, Guidance: float32(1 + 2*(i%2))}, 1))
					if err != nil {
						t.Error(err)
					}
					out[i] = r.Numbers()
				})
			}
			wait.Wait()
			return out
		}
		full := draw("", 8, 5)
		for _, s := range []string{`{"whole": 0.2, "keep": 1, "block": 4}`, `{"whole": 1, "keep": 0.3, "block": 4}`} {
			if got := draw(`, "sparse": `+s, 8, 5); !slices.EqualFunc(got, full, slices.Equal) {
				t.Errorf("%s: samples are not those of full attention", s)
			}
		}
		few := `, "sparse": {"whole": 0.25, "keep": 0.4, "block": 4}`
		some, alone := draw(few, 8, 5), draw(few, 2, 5)
		if !slices.EqualFunc(some, alone, slices.Equal) || slices.EqualFunc(some, full, slices.Equal) {
			t.Error("sparse samples depend on the company, or are those of full attention")
		}
		for _, s := range []string{`{"keep": 2, "block": 4}`, `{"keep": 0.5}`, `{"whole": 2, "keep": 0.5, "block": 4}`, `{"block": 4}`} {
			if _, err := published.Open([]byte(`{"patch_size": 2, "encoder_num_heads": 4, "decoder_num_heads": 3, "sparse": `+s+`}`), nn.File(g.weights)); !errors.Is(err, nn.ErrConfig) {
				t.Errorf("%s: %v", s, err)
			}
		}
	})
}
