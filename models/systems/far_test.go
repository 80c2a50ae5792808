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

// TestFrequency draws both samples at once from the authors' recorded random numbers, with
// guidance and without.
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
			var requests []engine.Request
			for b, class := range g.ints(t, "in.labels") {
				q := request(g.sys, fmt.Sprint(b), system.Prompt{Class: int(class), Guidance: r.guidance}, 1)
				q.Noise = noise[b*len(noise)/2 : (b+1)*len(noise)/2]
				requests = append(requests, q)
			}
			for b, res := range together(t, e, requests) {
				n := len(want) / 2
				d := distance(res.Numbers()[:n], want[b*n:(b+1)*n])
				t.Logf("%s, sample %d: numbers within %.1e", r.name, b, d)
				if !(d < bound) || res.Steps != 10 {
					t.Errorf("%s: sample %d: %d steps, off by %.1e", r.name, b, res.Steps, d)
				}
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
		worst := 0.0
		for b, class := range g.ints(t, "in.labels") {
			p := system.Prompt{Class: int(class), Guidance: 2.5}
			q := request(g.sys, "a", p, 1)
			q.Noise = noise[b*len(noise)/2 : (b+1)*len(noise)/2]
			drawn := must(e.Generate(context.Background(), q))(t) // held to the authors' by TestFrequency
			if err := d.SetTokens(b, 0, drawn.Tokens); err != nil {
				t.Fatal(err)
			}
			if ok, err := d.Reserve(b, g.sys.Layout.Context); !ok || err != nil {
				t.Fatal("no pages", err)
			}
			done := steps(t, d, b, runsOf(t, g.sys, p)[3])[0]
			for _, name := range []string{"known.norm", "encoder0", "encoder1", "decoder0", "decoder.norm"} {
				all, width := g.floats(t, "wp."+name), must(g.answers.Tensor("wp."+name))(t).Shape[2]
				want := all[b*len(all)/2 : (b+1)*len(all)/2]
				var got []float32 // every 13th row
				for i, x := 0, must(d.Traced(done, name))(t); len(got) < len(want); i += 13 {
					got = append(got, x[i*width:(i+1)*width]...)
				}
				off := distance(got, want)
				worst = max(worst, off)
				if !(off < bound) {
					t.Errorf("sample %d: %s is off by %.1e", b, name, off)
				}
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
