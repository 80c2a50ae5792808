package systems_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// runsOf returns the runs of a prompt.
func runsOf(t testing.TB, s *system.System, p system.Prompt) (out []system.Run) {
	t.Helper()
	schedule := must(s.Schedule(p))(t)
	for {
		r, err := schedule.Next(nil)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
}

// steps runs some runs of a sequence in a decoder, and returns the last step of each.
func steps(t testing.TB, d *engine.Decoder, slot int, runs ...system.Run) (out []engine.Step) {
	t.Helper()
	for _, r := range runs {
		if ok, err := d.Reserve(slot, r.N); !ok || err != nil {
			t.Fatal("no pages", err)
		}
		err := d.LoadRows(slot, 0, 0, 0, &r.Rows)
		if err == nil {
			err = d.LoadTargets(slot, 0, &r.Targets, max(r.GroupTargets, 1), 1)
		}
		s := stepOf(slot, r)
		if err == nil {
			err = d.Run(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// stepOf is the first step of a run.
func stepOf(slot int, r system.Run) engine.Step {
	return engine.Step{Stage: r.Stage, Times: 1, Passes: 1, Sequences: []step.Sequence{{Slot: slot, Canvas: slot, Rows: r.N, Group: r.Group, Targets: r.Targets.N, GroupTargets: r.GroupTargets, Unconditional: -1}}}
}

func words(x []float32) []uint32 {
	out := make([]uint32, len(x))
	for i, y := range x {
		out[i] = math.Float32bits(y)
	}
	return out
}

// TestMARWaypoints compares values inside encoder and decoder with the authors' code. They
// are of one pass over 5 known tokens of 16.
func TestMARWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		mask, labels := g.floats(t, "in.mask"), g.ints(t, "in.labels")
		n, c := g.cells(), g.sys.Token.Width
		worst := 0.0
		for b := range 2 {
			var masked, known []int32
			for i, m := range mask[b*n : (b+1)*n] {
				if m == 0 {
					known = append(known, int32(i))
				} else {
					masked = append(masked, int32(i))
				}
			}
			if err := d.SetTokens(b, 0, words(g.floats(t, "fw.patchify")[b*n*c:(b+1)*n*c])); err != nil {
				t.Fatal(err)
			}
			// Of four steps the third knows as many.
			runs := runsOf(t, g.sys, system.Prompt{Class: int(labels[b]), Steps: 4, Order: append(masked, known...)})[4:6]
			done := steps(t, d, b, runs...)
			compare := func(s engine.Step, mark, want string) {
				all := g.floats(t, want)
				got := must(d.Traced(s, mark))(t)[:len(all)/2]
				e := distance(got, all[b*len(got):(b+1)*len(got)])
				worst = max(worst, e)
				if e > bound {
					t.Errorf("sample %d: %s is off by %.1e", b, mark, e)
				}
			}
			for mark, want := range map[string]string{"encoder0": "fw.enc_block0", "encoder1": "fw.enc_block1", "encoder.norm": "fw.enc_norm", "embed": "fw.dec_embed", "known.norm": "fw.enc_block0_in"} {
				compare(done[0], mark, want)
			}
			for mark, want := range map[string]string{"fill": "fw.dec_block0_in", "decoder0": "fw.dec_block0", "decoder1": "fw.dec_block1", "decoder.norm": "fw.dec_norm"} {
				compare(done[1], mark, want)
			}
			z, got := g.floats(t, "fw.z"), must(d.Traced(done[1], "z"))(t)
			w := len(z) / 2 / n
			for i, at := range runs[1].Targets.At {
				e := distance(got[i*w:(i+1)*w], z[(b*n+int(at))*w:][:w])
				worst = max(worst, e)
				if e > bound {
					t.Errorf("sample %d: z of position %d is off by %.1e", b, at, e)
				}
			}
		}
		t.Logf("mar: largest relative error at any waypoint of the trunk %.1e", worst)
	})
}

// marRuns are the authors' runs.
var marRuns = []struct {
	name        string
	guidance    float32
	ramp        system.Ramp
	temperature float32
	spacing     string
	none        bool // no label
}{
	{"s_nocfg", 1, "", 1, "ddim8", false},
	{"s_uncond", 1, "", 1, "ddim8", true},
	{"s_cfg3_linear", 3, system.Linear, 0.9, "ddim8", false},
	{"s_cfg3_const", 3, system.Constant, 0.9, "ddim8", false},
	{"s_cfg3_linear_full8", 3, system.Linear, 1, "8", false},
}

const marTestSets = 5

// latent puts tokens back into an image of numbers, [channels, side, side].
func latent(tokens []float32, side, patch, channels int) []float32 {
	c := channels * patch * patch
	out := make([]float32, len(tokens))
	for i, x := range tokens {
		cell, j := i/c, i%c
		y, z := cell/side*patch+j/patch%patch, cell%side*patch+j%patch
		out[(j/patch/patch*side*patch+y)*side*patch+z] = x
	}
	return out
}

// TestMARRuns draws what the authors' code drew, from the same random numbers. Both
// samples run at once. The sets and the scales of guidance are the same; numbers are
// within a thousandth.
func TestMARRuns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, run := range marRuns {
			g := open(t, "mar")
			config := map[string]any{}
			if err := json.Unmarshal([]byte(`{"patch_size": 2, "encoder_num_heads": 4, "decoder_num_heads": 3}`), &config); err != nil {
				t.Fatal(err)
			}
			config["num_sampling_steps"] = run.spacing
			published := must(system.Detect(nn.File(g.weights)))(t)
			g.sys = must(published.Open(must(json.Marshal(config))(t), nn.File(g.weights)))(t)
			g.marRun(t, dev, run.name, system.Prompt{Guidance: run.guidance, Ramp: run.ramp, Steps: marTestSets}, run.temperature, run.none)
		}
	})
}

func (g *golden) marRun(t *testing.T, dev *gpu.Device, run string, p system.Prompt, temperature float32, none bool) {
	e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32, Recorded: 9}))(t)
	defer e.Close()
	labels, order, n := g.ints(t, "in.labels"), g.ints(t, "in.orders"), g.cells()
	type answer struct {
		res engine.Result
		err error
	}
	var answers [2]chan answer
	for b := range answers {
		answers[b] = make(chan answer, 1)
		q := p
		q.Class, q.Order = int(labels[b]), order[b*n:(b+1)*n]
		if none {
			q.Class = -1
		}
		var sets []system.Run
		for _, r := range runsOf(t, g.sys, q) {
			if r.GroupTargets > 0 {
				sets = append(sets, r)
			}
		}
		g.checkSets(t, run, b, sets, p.Guidance)
		r := request(g.sys, fmt.Sprint(b), q, temperature)
		r.Noise = g.noise(t, run, b, sets)
		go func() {
			res, err := e.Generate(context.Background(), r)
			answers[b] <- answer{res, err}
		}()
	}
	want := g.floats(t, run+".latent")
	for b := range answers {
		a := <-answers[b]
		if a.err != nil {
			t.Fatal(a.err)
		}
		got := latent(a.res.Numbers(), g.sys.Grid[2], 2, 3)
		worst := distance(got, want[b*len(got):(b+1)*len(got)])
		t.Logf("%s: sample %d: largest relative error %.1e", run, b, worst)
		if !(worst <= 1e-3) {
			t.Errorf("%s: sample %d is off by %.1e", run, b, worst)
		}
	}
}

// checkSets compares the sets and the scales of guidance with the authors'.
func (g *golden) checkSets(t *testing.T, run string, b int, sets []system.Run, guidance float32) {
	t.Helper()
	n := g.cells()
	if len(sets) != marTestSets {
		t.Fatalf("%s: %d sets", run, len(sets))
	}
	scales := g.floats(t, run+".cfg_iter")
	for k, r := range sets {
		mask := must(g.answers.Tensor(fmt.Sprintf("%s.step%d.pred_mask", run, k)))(t).Data[b*n : (b+1)*n]
		for i, m := range mask {
			if (m != 0) != slices.Contains(r.Targets.At, int32(i)) {
				t.Errorf("%s: sample %d: set %d: position %d", run, b, k, i)
			}
		}
		scale := guidance
		if r.Targets.Scale != nil {
			scale = r.Targets.Scale[0]
		}
		if math.Abs(float64(scale-scales[k])) > 1e-6 {
			t.Errorf("%s: set %d has a scale of %g, want %g", run, k, scale, scales[k])
		}
	}
}
