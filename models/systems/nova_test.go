package systems_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// novaRun is one of the authors' runs.
type novaRun struct {
	name                  string
	frames, known, passes int
	guidance              float32
}

var novaRuns = map[string][]novaRun{
	"nova":      {{"t2v_cfg3", 3, 0, 3, 3}, {"t2v_nocfg", 2, 0, 3, 1}, {"i2v", 2, 1, 2, 3}},
	"nova-rope": {{"t2v_cfg3", 3, 0, 3, 3}},
}

const (
	novaSets     = 4
	novaTextRows = 3 // that are given
)

func (g *golden) novaPrompt(t testing.TB, r novaRun) system.Prompt {
	t.Helper()
	return system.Prompt{
		Text: g.floats(t, r.name+".in.text")[:novaTextRows*32], Frames: r.frames, Given: g.novaGiven(t, r), Steps: novaSets, Inner: [2]int{r.passes, r.passes},
		Order: g.ints(t, r.name+".order"), Guidance: r.guidance,
	}
}

// novaGiven are the tokens of the given frames.
func (g *golden) novaGiven(t testing.TB, r novaRun) (out []uint32) {
	t.Helper()
	for f := range r.known {
		out = append(out, words(novaTokens(g.floats(t, r.name+".latents"), f, r.frames))...)
	}
	return out
}

// novaTokens cuts a map of 4 by 8 by 12 numbers into tokens of 16.
func novaTokens(x []float32, frame, frames int) (out []float32) {
	for p := range 24 {
		for i := range 16 {
			y, z, c := p/6*2+i/8, p%6*2+i/4%2, i%4
			out = append(out, x[((c*frames+frame)*8+y)*12+z])
		}
	}
	return out
}

// novaSets returns the runs of a schedule that draw, by frame and set.
func novaDraws(runs []system.Run) (out []system.Run) {
	for _, r := range runs {
		if r.GroupTargets > 0 {
			out = append(out, r)
		}
	}
	return out
}

// TestNOVAWaypoints compares values inside both encoders with the authors' code, in both
// branches. Every set starts from the tokens that they drew.
func TestNOVAWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name := range novaRuns {
			g := open(t, name)
			d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
			run := novaRuns[name][0]
			runs := runsOf(t, g.sys, g.novaPrompt(t, run))
			w := &novaWalk{golden: g, decoder: d, run: run.name}
			for branch := range 2 {
				w.walk(t, branch, runs)
			}
			t.Logf("%s: largest relative error at any of %d waypoints %.1e", name, w.compared, w.worst)
			if w.compared < 100 {
				t.Errorf("%s: %d waypoints were compared", name, w.compared)
			}
			d.Free()
		}
	})
}

// novaWalk goes through a run of the authors.
type novaWalk struct {
	*golden
	decoder  *engine.Decoder
	run      string
	worst    float64
	compared int
}

func (w *novaWalk) walk(t *testing.T, branch int, runs []system.Run) {
	t.Helper()
	frame, set := 0, 0
	prefix := "rows 0 to 4, 5 and 6"
	for i, r := range runs {
		if branch == 1 && r.Other != nil {
			r.Rows = *r.Other
		}
		s := steps(t, w.decoder, branch, r)[0]
		has := func(mark string) bool { _, err := w.decoder.Traced(s, mark); return err == nil }
		at := fmt.Sprintf("%s.f%d.", w.run, frame)
		switch {
		case r.Features != nil && i < 3:
			w.compare(t, prefix, s, "prefix", w.run+".c_prefix", branch, 0, r.N, []int{0, 5, 6}[i])
		case has("video"):
			n := r.N - 6
			w.compare(t, at, s, "rows", at+"video_in", branch, n, 6, 0)
			if w.golden.name == "nova" || frame == 0 {
				w.compare(t, at, s, "video", at+"video_out", branch, n, 6, 0)
			}
		case r.GroupTargets == 0 && has("image0") && frame == 0 && set == 2:
			w.compare(t, at, s, "image0", at+"s2.image_block0", branch, 0, r.N, 0)
			w.compare(t, at, s, "image1", at+"s2.image_block1", branch, 0, r.N, 0)
		case r.GroupTargets > 0:
			at = fmt.Sprintf("%ss%d.", at, set)
			for j, p := range r.Targets.At {
				w.compare(t, at, s, "z", at+"z", branch, j, 1, int(p)%24)
			}
			if frame == 0 && set == 2 {
				w.compare(t, at, s, "image2", at+"image_block2", branch, 0, r.N, 0)
				w.compare(t, at, s, "image3", at+"image_block3", branch, 0, r.N, 0)
			}
			for j, p := range w.ints(t, at+"pred_ids") {
				x := w.floats(t, at+"sample_tokens")[16*j : 16*j+16]
				if err := w.decoder.SetTokens(branch, frame*24+int(p), words(x)); err != nil {
					t.Fatal(err)
				}
			}
			if set++; set == novaSets {
				frame, set = frame+1, 0
			}
		}
	}
}

// compare compares rows from on of a marked value with rows of a golden tensor, whose first
// extent is the branch.
func (w *novaWalk) compare(t *testing.T, where string, s engine.Step, mark, want string, branch, from, rows, wantFrom int) {
	t.Helper()
	all := w.floats(t, want)
	shape := must(w.answers.Tensor(want))(t).Shape
	d := shape[len(shape)-1]
	each := len(all) / shape[0] / d
	got := must(w.decoder.Traced(s, mark))(t)
	e := distance(got[from*d:(from+rows)*d], all[(branch*each+wantFrom)*d:][:rows*d])
	w.worst = max(w.worst, e)
	w.compared++
	if e > bound {
		t.Errorf("%s: branch %d: %s %s is off by %.1e", w.golden.name, branch, where, mark, e)
	}
}

// TestNOVARuns draws what the authors' code drew, from the same noise: with guidance,
// without, and behind a given frame.
func TestNOVARuns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, runs := range novaRuns {
			g := open(t, name)
			e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32, Recorded: 1}))(t)
			for _, run := range runs {
				g.novaRun(t, e, run)
			}
			e.Close()
		}
	})
}

func (g *golden) novaRun(t *testing.T, e *engine.Engine, run novaRun) {
	t.Helper()
	p := g.novaPrompt(t, run)
	want := g.floats(t, run.name+".latents")
	noise := make([]float32, run.frames*24*16)
	for i, r := range novaDraws(runsOf(t, g.sys, p)) {
		frame, set := run.known+i/novaSets, i%novaSets
		at := fmt.Sprintf("%s.f%d.s%d.", run.name, frame, set)
		ids := g.ints(t, at+"pred_ids")
		if r.GroupTargets != len(ids) {
			t.Fatalf("%s: %d positions, want %v", at, r.GroupTargets, ids)
		}
		tokens := novaTokens(g.floats(t, at+"noise"), 0, 1)
		for j, pos := range r.Targets.At {
			if !slices.Contains(ids, pos-int32(frame*24)) {
				t.Errorf("%s: position %d is not in %v", at, r.Targets.At[j], ids)
			}
			copy(noise[int(pos)*16:], tokens[int(pos)%24*16:][:16])
		}
	}
	r := request(g.sys, "a", p, 1)
	r.Noise = noise
	r.Tokens = p.Given
	res := must(e.Generate(context.Background(), r))(t)
	got, worst := res.Numbers(), 0.0
	if len(got) != len(noise) {
		t.Fatalf("%s %s: %d numbers, want %d", g.name, run.name, len(got), len(noise))
	}
	for f := range run.frames {
		worst = max(worst, distance(got[f*24*16:(f+1)*24*16], novaTokens(want, f, run.frames)))
	}
	t.Logf("%s %s: largest relative error %.1e", g.name, run.name, worst)
	if !(worst <= 1e-3) {
		t.Errorf("%s %s is off by %.1e", g.name, run.name, worst)
	}
}

// TestNOVAPrompts checks what a prompt may not ask for, and the counts of a clip: two runs
// a set, one a frame, four for the conditions.
func TestNOVAPrompts(t *testing.T) {
	g := open(t, "nova")
	for name, p := range map[string]system.Prompt{
		"frames": {Frames: 99}, "known": {Frames: 2, Given: make([]uint32, 2*24*16)}, "part of a frame": {Frames: 2, Given: make([]uint32, 16)}, "sets": {Steps: -2}, "text": {Text: make([]float32, 33)}, "long text": {Text: make([]float32, 6*32)},
		"passes": {Inner: [2]int{101, 101}}, "other passes": {Inner: [2]int{10, 5}}, "order": {Order: []int32{1}}, "motion": {Motion: []float32{1, 2, 3}}, "ramp": {Ramp: "cosine"},
	} {
		if _, err := g.sys.Schedule(p); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	runs := runsOf(t, g.sys, system.Prompt{Frames: 3, Steps: novaSets})
	if len(runs) != 4+3*(1+2*novaSets) || len(novaDraws(runs)) != 3*novaSets {
		t.Errorf("%d runs, %d of which draw", len(runs), len(novaDraws(runs)))
	}
	if !strings.HasPrefix(g.sys.Name, "nova") {
		t.Error(g.sys.Name)
	}
}

// TestNOVACompany draws clips of several lengths, texts and scales alone, and all at once in
// engines with few slots and pages. The bits are the same.
func TestNOVACompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "nova-rope")
		text := gputest.Normal(1, 4*32)
		prompts := []system.Prompt{
			{Text: text, Frames: 2, Steps: 3, Guidance: 3, Inner: [2]int{3, 3}},
			{Text: text[:64], Frames: 1, Steps: 4, Guidance: 1, Inner: [2]int{5, 5}, Motion: []float32{9, 24}},
			{Frames: 3, Steps: 2, Guidance: 2, Inner: [2]int{2, 2}},
		}
		want := inCompany(t, dev, g.sys, nn.File(g.weights), "n", prompts, 1, []engine.Options{{Slots: 6}, {Slots: 4, Pages: 2, Rows: 1}})
		for i, tokens := range want {
			if len(tokens) != prompts[i].Frames*24*16 {
				t.Errorf("clip %d has %d numbers", i, len(tokens))
			}
		}
	})
}

// TestNOVADenoising takes a step of the authors' DDPM scheduler from what their head said in
// both branches: guidance, its norm brought back towards that of the condition, and noise.
// Times and noise levels of both schedulers are theirs.
func TestNOVADenoising(t *testing.T) {
	g := open(t, "nova")
	s := head.Fixed(head.ScaledLinearBetas(1000, 0.00085, 0.012), head.Leading(1000, 4))
	for i, at := range g.floats(t, "ddpm_renorm.timesteps") {
		if s.Times[i] != at {
			t.Errorf("step %d is at %g, want %g", i, s.Times[i], at)
		}
	}
	const set, norm = "ddpm_renorm.f0.s2.", 0.7
	scale := float64(g.floats(t, set+"guidance")[0])
	said, maps := g.floats(t, set+"mlp_raw_steps"), g.floats(t, set+"mlp_x_steps")
	n := 24 * 16
	guided := make([]float64, n)
	var own, all float64
	for i := range n {
		c, u := float64(said[i]), float64(said[n+i])
		guided[i] = u + scale*(c-u)
		own, all = own+c*c, all+guided[i]*guided[i]
	}
	back := min(max(math.Sqrt(own/all), norm), 1)
	x, z := novaTokens(maps[:n], 0, 1), novaTokens(g.floats(t, set+"ddpm_noise0"), 0, 1)
	want := novaTokens(maps[2*n:3*n], 0, 1) // of the next step; both branches have one map
	got, p := make([]float32, n), s.Passes[0]
	for i := range got {
		got[i] = float32(p.Keep*float64(x[i]) + p.Move*back*guided[i] + p.Noise*math.Exp(p.LogMin/2)*float64(z[i]))
	}
	if e := distance(got, want); e > bound {
		t.Errorf("a step of DDPM is off by %.1e", e)
	}
	for scheduler, known := range map[string]bool{"ddpm": true, "flow": true, "dpm": false} {
		p := must(system.Detect(nn.File(g.weights)))(t)
		config := fmt.Sprintf(`{"image_size": [64, 96], "text_token_len": 5, "scheduler": %q, "video_encoder": {"num_heads": 2}, "image_encoder": {"num_heads": 2}}`, scheduler)
		if _, err := p.Open([]byte(config), nn.File(g.weights)); (err == nil) != known || err != nil && !errors.Is(err, nn.ErrConfig) {
			t.Errorf("scheduler %s: %v", scheduler, err)
		}
	}
	flow := head.ShiftedFlow(3, 3)
	sigmas := g.floats(t, "t2v_cfg3.sigmas")
	for i, at := range g.floats(t, "t2v_cfg3.timesteps") {
		if math.Abs(float64(flow.Times[i]/at)-1) > 1e-5 || math.Abs(flow.Passes[i].Move-float64(sigmas[i+1]-sigmas[i])) > 1e-6 {
			t.Errorf("step %d of the flow is at %g and moves by %g", i, flow.Times[i], flow.Passes[i].Move)
		}
	}
}
