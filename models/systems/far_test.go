package systems_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// TestFrequency draws a sample from the authors' recorded random numbers, with guidance and
// without.
func TestFrequency(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "far-frequency")
		noise := g.floats(t, "run.noise")
		e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32, Recorded: 3}))(t)
		defer e.Close()
		for _, r := range []struct {
			name     string
			guidance float32
		}{{"run", 2.5}, {"run_plain", 1}} {
			want := g.floats(t, r.name+".tokens")
			q := request(g.sys, r.name, system.Prompt{Class: int(g.ints(t, "in.labels")[0]), Guidance: r.guidance}, 1)
			q.Noise = noise
			res := must(e.Generate(context.Background(), q))(t)
			d := distance(res.Numbers()[:len(want)], want)
			t.Logf("%s: numbers within %.1e", r.name, d)
			if !(d < bound) || res.Steps != 10 {
				t.Errorf("%s: %d steps, off by %.1e", r.name, res.Steps, d)
			}
		}
	})
}

// TestFrequencyWaypoints compares values inside the network with the authors' code, at the
// fourth level.
func TestFrequencyWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "far-frequency")
		noise := g.floats(t, "run.noise")
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 4, Precision: nn.F32, Cache: nn.F32, Trace: true, Recorded: 3}))(t)
		defer d.Free()
		e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32, Recorded: 3}))(t)
		defer e.Close()
		p := system.Prompt{Class: int(g.ints(t, "in.labels")[0]), Guidance: 2.5}
		q := request(g.sys, "a", p, 1)
		q.Noise = noise
		drawn := must(e.Generate(context.Background(), q))(t) // held to the authors' by TestFrequency
		if err := d.SetTokens(0, 0, drawn.Tokens); err != nil {
			t.Fatal(err)
		}
		if ok, err := d.Reserve(0, g.sys.Layout.Context); !ok || err != nil {
			t.Fatal("no pages", err)
		}
		done := steps(t, d, 0, runsOf(t, g.sys, p)[3])[0]
		worst := 0.0
		for _, name := range []string{"known.norm", "encoder0", "encoder1", "decoder0", "decoder.norm"} {
			want := g.floats(t, "wp."+name)
			off := distance(must(d.Traced(done, name))(t)[:len(want)], want)
			worst = max(worst, off)
			if !(off < bound) {
				t.Errorf("%s is off by %.1e", name, off)
			}
		}
		t.Logf("far-frequency: largest relative error at any waypoint %.1e", worst)
	})
}

// TestFrequencyLevels refuses levels that a picture does not have, and another number of
// steps than levels.
func TestFrequencyLevels(t *testing.T) {
	g := open(t, "far-frequency")
	published := must(system.Detect(nn.File(g.weights)))(t)
	for _, levels := range []string{"[]", "[1, 2]", "[0, 17]", "[0, 0]", "[0, -1]"} {
		if _, err := published.Open(fmt.Appendf(nil, `{"encoder_num_heads": 2, "decoder_num_heads": 2, "levels": %s}`, levels), nn.File(g.weights)); err == nil {
			t.Errorf("levels %s are taken", levels)
		}
	}
	if _, err := g.sys.Schedule(system.Prompt{Steps: 9}); err == nil {
		t.Error("nine steps of ten levels")
	}
	s := must(published.Open([]byte(`{"encoder_num_heads": 2, "decoder_num_heads": 2, "levels": [0, 4, 16]}`), nn.File(g.weights)))(t)
	var stages []int
	for _, r := range runsOf(t, s, system.Prompt{Class: 1}) {
		stages = append(stages, r.Stage)
	}
	if !slices.Equal(stages, []int{0, 1, 2}) {
		t.Errorf("stages %v", stages)
	}
}
