package systems_test

import (
	"context"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// xarRuns are the authors' runs.
var xarRuns = []struct {
	name     string
	guidance float32
	config   string
	passes   int
}{
	{"run", 2.5, `{"encoder_num_heads": 2, "decoder_num_heads": 2, "num_steps": 4}`, 4},
	{"run_plain", 1, `{"encoder_num_heads": 2, "decoder_num_heads": 2, "num_steps": 3}`, 3},
	{"run_euler", 2, `{"encoder_num_heads": 2, "decoder_num_heads": 2, "num_steps": 3, "sampler": "euler"}`, 3},
}

// TestXAR draws a sample from the authors' recorded random numbers.
func TestXAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "xar")
		for _, r := range xarRuns {
			s := g.reopened(t, r.config)
			noise, want := g.floats(t, r.name+".noise"), g.floats(t, r.name+".tokens")
			e := must(engine.New(dev, s, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32, Recorded: len(noise) / len(want)}))(t)
			q := request(s, r.name, system.Prompt{Class: int(g.ints(t, "in.labels")[0]), Guidance: r.guidance}, 1)
			q.Noise = noise
			res := must(e.Generate(context.Background(), q))(t)
			d := distance(res.Numbers(), want)
			t.Logf("%s: %d steps, numbers within %.1e", r.name, res.Steps, d)
			if !(d < bound) || res.Steps != 4*r.passes {
				t.Errorf("%s: %d steps, off by %.1e", r.name, res.Steps, d)
			}
			e.Close()
		}
	})
}

// TestXARWaypoints compares values inside the network with the authors' code: the first
// pass of the third cell, with and without the class.
func TestXARWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "xar")
		s := g.reopened(t, xarRuns[0].config)
		noise, tokens := g.floats(t, "run.noise"), g.floats(t, "run.tokens")
		d := must(engine.NewDecoder(dev, s, nn.File(g.weights), engine.DecoderOptions{Slots: 4, Precision: nn.F32, Cache: nn.F32, Trace: true, Recorded: len(noise) / len(tokens)}))(t)
		defer d.Free()
		worst := 0.0
		for branch := range 2 {
			if err := d.SetNoise(branch, noise); err != nil {
				t.Fatal(err)
			}
			p := system.Prompt{Class: int(g.ints(t, "in.labels")[0]), Ramp: system.Constant}
			if branch == 1 {
				p.Class = -1
			}
			if ok, err := d.Reserve(branch, s.Layout.Context); !ok || err != nil {
				t.Fatal("no pages", err)
			}
			var done engine.Step
			for i, r := range runsOf(t, s, p)[:5] {
				if i%2 > 0 { // later passes of a cell leave nothing that others see
					continue
				}
				// What the steps before have drawn is replaced by the authors' numbers.
				if err := d.SetTokens(branch, 0, words(tokens)); err != nil {
					t.Fatal(err)
				}
				done = steps(t, d, branch, r)[0]
			}
			for mark, want := range map[string]string{"embed": "embed", "encoder0": "encoder0", "encoder1": "encoder1", "decoder0": "decoder0", "pred.weight": "pred"} {
				rows, skip := 128, 0
				if want == "pred" { // of the draws alone
					skip = 64
				}
				all := g.floats(t, "wp."+want)
				width, got := len(all)/2/rows, must(d.Traced(done, mark))(t)
				e := distance(got[:(rows-skip)*width], all[(branch*rows+skip)*width:][:(rows-skip)*width])
				worst = max(worst, e)
				if !(e < bound) {
					t.Errorf("branch %d: %s is off by %.1e", branch, want, e)
				}
			}
		}
		t.Logf("xar: largest relative error at any waypoint %.1e", worst)
	})
}
