package systems_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
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

// TestMARHead compares values inside the denoiser with the authors' code.
func TestMARHead(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		net := g.sys.Head.(*head.Diffusion).Net.(*head.Denoiser)
		loaded := must(nn.Load(dev, g.sys.Params, nn.File(g.weights), nn.F32))(t)
		defer loaded.Free()
		var at []float32
		for _, x := range g.ints(t, "head.t") {
			at = append(at, float32(x))
		}
		n := len(at)
		input := func(name string) *gpu.Tensor { x := g.floats(t, name); return gputest.F32(t, dev, x, n, len(x)/n) }
		rec := dev.NewRecorder()
		kept := map[string]*gpu.Tensor{}
		keep := func(name string, x *gpu.Tensor) {
			kept[name] = must(dev.NewTensor(tensor.F32, x.Shape...))(t)
			rec.Copy(kept[name], x)
		}
		d := &nn.Inference{Recorder: rec, Loaded: loaded, Marked: keep}
		cond := net.Cond.Forward(d, tape.Constant(input("head.c")), nn.ProductOptions{})
		keep("head.cond_embed", cond.X)
		times := net.Times(d, tape.Constant(gputest.F32(t, dev, at, n, 1)))
		y := head.Told(d, times.X, gputest.I32(t, dev, []int32{0, 1, 2, 3, 4}, n), cond.X)
		keep("head.out", net.Say(d, tape.Constant(input("head.x")), y).X)
		d.Marked = nil
		kept8 := must(head.Spacing(1000, "ddim8"))(t)
		for _, i := range []int{7, 3, 0} {
			at := slices.Repeat([]float32{float32(kept8[i])}, n)
			y := head.Told(d, net.Times(d, tape.Constant(gputest.F32(t, dev, at, n, 1))).X, gputest.I32(t, dev, []int32{0, 1, 2, 3, 4}, n), cond.X)
			keep(fmt.Sprint("pmv", i), net.Say(d, tape.Constant(input("head.x")), y).X)
		}
		p := must(rec.Finish())(t)
		defer p.Free()
		if err := p.Run(1); err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for _, name := range []string{"head.time_freq", "head.time_embed", "head.cond_embed", "head.input_proj", "head.block0", "head.block1", "head.out"} {
			e := distance(must(kept[name].F32())(t), g.floats(t, name))
			worst = max(worst, e)
			if e > bound {
				t.Errorf("%s is off by %.1e", name, e)
			}
		}
		s, x, c := head.Ancestral(head.CosineBetas(1000), kept8), g.floats(t, "head.x"), g.sys.Token.Width
		for _, at := range []int{7, 3, 0} {
			p, said := s.Passes[len(kept8)-1-at], must(kept[fmt.Sprint("pmv", at)].F32())(t)
			mean, variance := make([]float32, len(x)), make([]float32, len(x))
			for i := range x {
				row, j := i/c, i%c
				mean[i] = float32(p.Keep*float64(x[i]) + p.Move*float64(said[row*2*c+j]))
				variance[i] = float32(p.LogMin + (p.LogMax-p.LogMin)*(float64(said[row*2*c+c+j])+1)/2)
			}
			for name, got := range map[string][]float32{"mean": mean, "log_variance": variance} {
				e := distance(got, g.floats(t, fmt.Sprintf("pmv%d.%s", at, name)))
				worst = max(worst, e)
				if e > bound {
					t.Errorf("step %d: the %s is off by %.1e", at, name, e)
				}
			}
		}
		t.Logf("mar: largest relative error at any waypoint of the head %.1e", worst)
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

// noise lays out a run's recorded numbers by position: those of the start, and of every
// pass.
func (g *golden) noise(t testing.TB, run string, sample int, sets []system.Run) []float32 {
	t.Helper()
	const passes = 8
	c := g.sys.Token.Width
	out := make([]float32, g.cells()*(passes+1)*c)
	for k, r := range sets {
		first, all := g.floats(t, fmt.Sprintf("%s.step%d.noise_init", run, k)), g.floats(t, fmt.Sprintf("%s.step%d.noise", run, k))
		rows := len(all) / passes / c
		for i, at := range r.Targets.At {
			row := sample*r.GroupTargets + i
			to := out[int(at)*(passes+1)*c:]
			copy(to, first[row*c:(row+1)*c])
			for j := range passes {
				copy(to[(j+1)*c:(j+2)*c], all[(j*rows+row)*c:])
			}
		}
	}
	return out
}

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

// TestMARSchedules compares the tables of respaced steps with the authors', and the mean
// and variance of single passes.
func TestMARSchedules(t *testing.T) {
	g := open(t, "mar")
	betas := head.CosineBetas(1000)
	for _, spacing := range []string{"ddim8", "8", "100", "1000"} {
		kept := must(head.Spacing(1000, spacing))(t)
		s := head.Ancestral(betas, kept)
		table := func(name string) []float64 { return g.doubles(t, "sched"+spacing+"."+name) }
		for i, at := range g.ints(t, "sched"+spacing+".timestep_map") {
			if kept[i] != int(at) || s.Times[len(kept)-1-i] != float32(at) {
				t.Fatalf("%s: step %d is %d of upstream's %d", spacing, i, kept[i], at)
			}
		}
		logBeta, all := table("betas"), []string{}
		for i, beta := range logBeta {
			p := s.Passes[len(kept)-1-i]
			if e := math.Abs(math.Exp(p.LogMax)/beta - 1); e > 1e-11 { // a cancellation in 1 - (1 - beta)
				t.Errorf("%s: beta %d is off by %.1e", spacing, i, e)
			}
			if spacing == "1000" {
				continue // only its betas are known
			}
			one, two := table("posterior_mean_coef1")[i], table("posterior_mean_coef2")[i]
			recip, less := table("sqrt_recip_alphas_cumprod")[i], table("sqrt_recipm1_alphas_cumprod")[i]
			for name, pair := range map[string][2]float64{
				"keep": {p.Keep, one*recip + two}, "move": {p.Move, -one * less}, "log variance": {p.LogMin, table("posterior_log_variance_clipped")[i]},
			} {
				if e := math.Abs(pair[0]-pair[1]) / math.Abs(pair[1]); e > 1e-9 { // the products of small factors, in another order
					all = append(all, fmt.Sprintf("%s %d: %.1e", name, i, e))
				}
			}
		}
		if len(all) > 0 {
			t.Errorf("%s: %v", spacing, all)
		}
	}
}

func (g *golden) doubles(t testing.TB, name string) []float64 {
	t.Helper()
	x := must(g.answers.Tensor(name))(t)
	out := make([]float64, len(x.Data)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(x.Data[8*i:]))
	}
	return out
}

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
