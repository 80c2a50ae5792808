package systems_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// TestMARMemory draws in an engine on a device that has as much memory as the plan says,
// in the largest steps that there are.
func TestMARMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		o := engine.Options{Slots: 6, Cache: nn.F32}
		enough := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: o.Bytes(g.sys)})
		e := must(engine.New(enough, g.sys, nn.File(g.weights), o))(t)
		defer e.Close()
		drawPictures(t, e, g.sys, 6, "a")
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if _, err := e.Generate(context.Background(), request(g.sys, fmt.Sprint(i), system.Prompt{Steps: 1, Guidance: 2}, 1)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if used := enough.Used(); used > o.Bytes(g.sys) || used < o.Bytes(g.sys)/2 {
			t.Errorf("%d bytes are planned, %d used", o.Bytes(g.sys), used)
		}
	})
}

// BenchmarkInnerPasses draws a picture of 256 tokens in 64 sets with heads of several kinds
// behind one size of trunk, and reports the passes of each.
func BenchmarkInnerPasses(b *testing.B) {
	z := marSize{192, 3, 10, 384, 3}
	for _, c := range []struct {
		name  string
		w     shapes
		inner [2]int
	}{
		{"diffusion=100", marShapes(z, false), [2]int{}},
		{"diffusion=50", marShapes(z, false), [2]int{50, 50}},
		{"annealed=50-5", marShapes(z, false), [2]int{50, 5}},
		{"shortcut=8", marShapes(z, true), [2]int{8, 8}},
		{"energy=1", earShapes(z), [2]int{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := must(system.Detect(c.w))(b)
			s := must(p.Open([]byte(`{"encoder_num_heads": 3, "decoder_num_heads": 3}`), c.w))(b)
			dev := gputest.Open(b, gpu.Options{Grain: engine.Grain(s, 320)})
			e := must(engine.New(dev, s, c.w, engine.Options{Slots: 2}))(b)
			defer e.Close()
			prompt, passes := system.Prompt{Class: 1, Steps: 64, Inner: c.inner, Guidance: 3}, 0
			for _, r := range runsOf(b, s, prompt) {
				if r.Targets.Passes != nil {
					passes += int(r.Targets.Passes[1] - r.Targets.Passes[0])
				} else {
					passes += min(r.GroupTargets, 1)
				}
			}
			draw := func(id string) { must(e.Generate(context.Background(), request(s, id, prompt, 1)))(b) }
			draw("warm") // compiles
			n := 0
			for b.Loop() {
				draw(fmt.Sprint(n))
				n++
			}
			b.ReportMetric(float64(passes), "passes")
			b.ReportMetric(b.Elapsed().Seconds()/float64(n), "s/picture")
		})
	}
}

// TestMARLargestStep draws every token of five requests in one step, of which the program
// has room for eight requests.
func TestMARLargestStep(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 5}))(t)
		defer d.Free()
		runs := runsOf(t, g.sys, system.Prompt{Class: 1, Steps: 1})
		for i, r := range runs {
			s := engine.Step{Stage: r.Stage, Times: 1, Passes: 2}
			for slot := range 5 {
				if ok, err := d.Reserve(slot, r.N); !ok || err != nil {
					t.Fatal("no pages", err)
				}
				for _, err := range []error{d.SetSampling(slot, step.Sampling{Seed: 1, Request: uint64(slot), Temperature: 1, End: -1}), d.LoadRows(slot, 0, 0, 0, &r.Rows), d.LoadTargets(slot, 0, &r.Targets, max(r.GroupTargets, 1), 1)} {
					if err != nil {
						t.Fatal(err)
					}
				}
				s.Sequences = append(s.Sequences, step.Sequence{Slot: slot, Canvas: slot, Rows: r.N, Group: r.Group, Targets: r.Targets.N, GroupTargets: r.GroupTargets, Unconditional: -1})
			}
			if err := d.Run(s); err != nil {
				t.Fatalf("run %d: %v", i, err)
			}
		}
		first := must(d.Tokens(0, 0, g.cells()))(t)
		for slot := 1; slot < 5; slot++ {
			got := must(d.Tokens(slot, 0, g.cells()))(t)
			if slices.Equal(got, first) || slices.Contains(got, 0) {
				t.Errorf("slot %d holds %v", slot, got[:4])
			}
		}
	})
}
