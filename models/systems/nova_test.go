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
	"github.com/morton-gen/morton/gpu/ops/step"
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
	config                string // besides that of the folder
}

var novaRuns = map[string][]novaRun{
	"nova":      {{"t2v_cfg3", 3, 0, 3, 3, ""}, novaApart, {"t2v_nocfg", 2, 0, 3, 1, ""}, {"i2v", 2, 1, 2, 3, ""}},
	"nova-rope": {{"t2v_cfg3", 3, 0, 3, 3, ""}},
}

// novaApart is the run with guidance by images of its own. Upstream has the branch that sees no
// frames before the one that has no text.
var novaApart = novaRun{"imgcfg", 2, 0, 2, 3, `"image_guidance_scale": 1.5`}

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

// TestNOVAWaypoints compares values inside both encoders with the authors' code, in two and in
// three branches. Every set starts from the tokens that they drew.
func TestNOVAWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, x := range []struct {
			name   string
			run    novaRun
			theirs []int // by branch
			least  int
		}{{"nova", novaRuns["nova"][0], []int{0, 1}, 100}, {"nova-rope", novaRuns["nova-rope"][0], []int{0, 1}, 100}, {"nova", novaApart, []int{0, 2, 1}, 60}} {
			run := x.run
			g := open(t, x.name).described(t, run.config)
			d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 3, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
			runs := runsOf(t, g.sys, g.novaPrompt(t, run))
			w := &novaWalk{golden: g, decoder: d, run: run.name}
			for branch, theirs := range x.theirs {
				w.theirs = theirs
				w.walk(t, branch, runs)
			}
			t.Logf("%s %s: largest relative error at any of %d waypoints %.1e", x.name, run.name, w.compared, w.worst)
			if w.compared < x.least {
				t.Errorf("%s %s: %d waypoints were compared", x.name, run.name, w.compared)
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
	theirs   int // the branch, as they count
	worst    float64
	compared int
}

func (w *novaWalk) walk(t *testing.T, branch int, runs []system.Run) {
	t.Helper()
	frame, set := 0, 0
	prefix := "rows 0 to 4, 5 and 6"
	for i, r := range runs {
		r.Rows = *r.Branch(branch)
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
	if w.run == novaApart.name && !slices.Contains(w.answers.Names(), want) {
		return // of which only some are here
	}
	all := w.floats(t, want)
	shape := must(w.answers.Tensor(want))(t).Shape
	d := shape[len(shape)-1]
	each := len(all) / shape[0] / d
	got := must(w.decoder.Traced(s, mark))(t)
	e := distance(got[from*d:(from+rows)*d], all[(w.theirs*each+wantFrom)*d:][:rows*d])
	w.worst = max(w.worst, e)
	w.compared++
	if e > bound {
		t.Errorf("%s: branch %d: %s %s is off by %.1e", w.golden.name, branch, where, mark, e)
	}
}

// TestNOVARuns draws what the authors' code drew, from the same noise: with guidance, with
// guidance by images of its own, without, and behind a given frame.
func TestNOVARuns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, runs := range novaRuns {
			for _, run := range runs {
				g := open(t, name).described(t, run.config)
				e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 3, Precision: nn.F32, Cache: nn.F32, Recorded: 1}))(t)
				g.novaRun(t, e, run)
				e.Close()
			}
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

// TestNOVARenormed draws the authors' run whose guidance is renormed, grows over the sets and ends
// early, by their DDPM scheduler. Every set has the noise of a whole map.
func TestNOVARenormed(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "nova").described(t, `"scheduler": "ddpm", "guidance_renorm": 0.7, "guidance_trunc": 300, "min_guidance_scale": 1.5`)
		const run, passes = "ddpm_renorm", 4
		p := g.novaPrompt(t, novaRun{run, 1, 0, passes, 4, ""})
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Recorded: 1 + passes}))(t)
		defer d.Free()
		if err := d.SetSampling(0, step.Sampling{Temperature: 1, TopP: 1, End: -1}); err != nil {
			t.Fatal(err)
		}
		set, worst := 0, 0.0
		for _, r := range runsOf(t, g.sys, p) {
			at := fmt.Sprintf("%s.f0.s%d.", run, set)
			if r.GroupTargets > 0 {
				if s, want := r.Targets.Scale[0], g.floats(t, at+"guidance")[0]; s != want {
					t.Errorf("%sguidance is %g, want %g", at, s, want)
				}
				if err := d.SetNoise(0, g.novaNoise(t, at, passes)); err != nil {
					t.Fatal(err)
				}
			}
			bothBranches(t, d, &r, passes)
			if r.GroupTargets == 0 {
				continue
			}
			drawn, want := must(d.Tokens(0, 0, 24))(t), g.floats(t, at+"sample_tokens")
			for j, id := range g.ints(t, at+"pred_ids") {
				worst = max(worst, distance(numbers(drawn[16*id:16*id+16]), want[16*j:16*j+16]))
			}
			set++
		}
		worst = max(worst, distance(numbers(must(d.Tokens(0, 0, 24))(t)), novaTokens(g.floats(t, run+".latents"), 0, 1)))
		t.Logf("largest relative error of %d sets %.1e", set, worst)
		if set != novaSets || !(worst <= 1e-4) {
			t.Errorf("%d sets are off by %.1e", set, worst)
		}
	})
}

// novaNoise are the numbers of all positions of a set: the first noise, and that of each pass.
func (g *golden) novaNoise(t testing.TB, set string, passes int) []float32 {
	t.Helper()
	out := make([]float32, 24*(1+passes)*16)
	for k := range passes {
		name := set + "noise"
		if k > 0 {
			name = fmt.Sprint(set, "ddpm_noise", k-1)
		}
		for i, x := range novaTokens(g.floats(t, name), 0, 1) {
			out[(i/16*(1+passes)+k)*16+i%16] = x
		}
	}
	return out
}

// bothBranches runs a run of a guided request in slots 0 and 1.
func bothBranches(t testing.TB, d *engine.Decoder, r *system.Run, passes int) {
	t.Helper()
	for slot := range 2 {
		if ok, err := d.Reserve(slot, r.N); !ok || err != nil {
			t.Fatal("no pages", err)
		}
		if err := d.LoadRows(slot, 0, 0, 0, r.Branch(slot)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.LoadTargets(0, 0, &r.Targets, max(r.GroupTargets, 1), 1); err != nil {
		t.Fatal(err)
	}
	own := step.Sequence{Rows: r.N, Group: r.Group, Targets: r.Targets.N, GroupTargets: r.GroupTargets, Unconditional: 1}
	if err := d.Run(engine.Step{Stage: r.Stage, Times: 1, Passes: passes, Sequences: []step.Sequence{own, {Slot: 1, Rows: r.N, Group: r.Group, Unconditional: -1}}}); err != nil {
		t.Fatal(err)
	}
}

// numbers are the numbers whose bits are the words of tokens.
func numbers(x []uint32) []float32 { r := engine.Result{Tokens: x}; return r.Numbers() }

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
		var all [][]uint32
		for _, config := range []string{"", `"image_guidance_scale": 1.5, "guidance_renorm": 0.5`} {
			g := g.described(t, config)
			want := inCompany(t, dev, g.sys, nn.File(g.weights), "n", prompts, 1, []engine.Options{{Slots: 7}, {Slots: 4, Pages: 3, Rows: 1}})
			for i, tokens := range want {
				if len(tokens) != prompts[i].Frames*24*16 {
					t.Errorf("clip %d has %d numbers", i, len(tokens))
				}
			}
			all = append(all, want...)
		}
		for i := range prompts {
			if slices.Equal(all[i], all[i+3]) == (prompts[i].Guidance > 1) {
				t.Errorf("clip %d: guidance of three branches makes a clip otherwise, and without guidance nothing may", i)
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
