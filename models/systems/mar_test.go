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
			err = d.LoadDraws(slot, 0, &r.Draws, max(r.Ask, 1), 1)
		}
		s := engine.Step{Stage: r.Stage, Times: 1, Passes: 1, Lanes: []step.Lane{{Slot: slot, Canvas: slot, Rows: r.N, Group: r.Group, Draws: r.Draws.N, Ask: r.Ask, Partner: -1}}}
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
			compare := func(s engine.Step, rows int, mark, want string) {
				all := g.floats(t, want)
				got := must(d.Traced(s, mark))(t)[:len(all)/2]
				if rows*len(got)/rows != len(got) {
					t.Fatalf("%s: %d values of %d rows", mark, len(got), rows)
				}
				e := distance(got, all[b*len(got):(b+1)*len(got)])
				worst = max(worst, e)
				if e > bound {
					t.Errorf("sample %d: %s is off by %.1e", b, mark, e)
				}
			}
			for mark, want := range map[string]string{"encoder0": "fw.enc_block0", "encoder1": "fw.enc_block1", "encoder.norm": "fw.enc_norm", "embed": "fw.dec_embed", "known.norm": "fw.enc_block0_in"} {
				compare(done[0], runs[0].N, mark, want)
			}
			for mark, want := range map[string]string{"fill": "fw.dec_block0_in", "decoder0": "fw.dec_block0", "decoder1": "fw.dec_block1", "decoder.norm": "fw.dec_norm"} {
				compare(done[1], runs[1].N, mark, want)
			}
			z, got := g.floats(t, "fw.z"), must(d.Traced(done[1], "z"))(t)
			w := len(z) / 2 / n
			for i, at := range runs[1].Draws.At {
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
		net := g.sys.Head.(*head.Diffusion).Net
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
		d := &nn.Drawing{Recorder: rec, Loaded: loaded, Marked: keep}
		cond := net.Cond.Forward(d, tape.Constant(input("head.c")), nn.ProductOptions{})
		keep("head.cond_embed", cond.X)
		times := net.Times(d, gputest.F32(t, dev, at, n, 1))
		y := net.Told(d, times.X, gputest.I32(t, dev, []int32{0, 1, 2, 3, 4}, n), cond.X)
		keep("head.out", net.Say(d, input("head.x"), y))
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
	{"s_cfg3_linear", 3, system.Linear, 1, "ddim8", false},
	{"s_cfg3_const", 3, system.Constant, 0.9, "ddim8", false},
	{"s_cfg3_linear_full8", 3, system.Linear, 1, "8", false},
}

const marSets = 5

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
		for i, at := range r.Draws.At {
			row := sample*r.Ask + i
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
			g.marRun(t, dev, run.name, system.Prompt{Guidance: run.guidance, Ramp: run.ramp, Steps: marSets}, run.temperature, run.none)
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
			if r.Ask > 0 {
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
		if run == "s_cfg3_linear" {
			for i := range n {
				cell := func(x []float32) (o []float32) {
					for j := range 12 {
						o = append(o, x[(j/4*8+i/4*2+j/2%2)*8+i%4*2+j%2])
					}
					return o
				}
				a, w := cell(got), cell(want[b*len(got):(b+1)*len(got)])
				fmt.Println(b, i, distance(a, w), a[:3], w[:3])
			}
			fmt.Println(order[b*n : (b+1)*n])
		}
		if !(worst <= 1e-3) {
			t.Errorf("%s: sample %d is off by %.1e", run, b, worst)
		}
	}
}

// checkSets compares the sets and the scales of guidance with the authors'.
func (g *golden) checkSets(t *testing.T, run string, b int, sets []system.Run, guidance float32) {
	t.Helper()
	n := g.cells()
	if len(sets) != marSets {
		t.Fatalf("%s: %d sets", run, len(sets))
	}
	scales := g.floats(t, run+".cfg_iter")
	for k, r := range sets {
		mask := must(g.answers.Tensor(fmt.Sprintf("%s.step%d.pred_mask", run, k)))(t).Data[b*n : (b+1)*n]
		for i, m := range mask {
			if (m != 0) != slices.Contains(r.Draws.At, int32(i)) {
				t.Errorf("%s: sample %d: set %d: position %d", run, b, k, i)
			}
		}
		scale := guidance
		if r.Draws.Scale != nil {
			scale = r.Draws.Scale[0]
		}
		if math.Abs(float64(scale-scales[k])) > 1e-6 {
			t.Errorf("%s: set %d has a scale of %g, want %g", run, k, scale, scales[k])
		}
	}
}
