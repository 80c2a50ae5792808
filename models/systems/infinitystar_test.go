package systems_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// starPass is one pass of the golden: a scale's number and a repetition.
type starPass struct{ scale, rep int }

func (p starPass) String() string { return fmt.Sprintf("si%d.rep%d.", p.scale, p.rep) }

// starPasses are those of the golden, in order.
func starPasses() (out []starPass) {
	for i := range 12 {
		n := 2
		if i > 4 && i%4 == 3 {
			n = 1
		}
		for rep := range n {
			out = append(out, starPass{i, rep})
		}
	}
	return out
}

// starBits are the codes of a pass in a run of the authors.
func (g *golden) starBits(t testing.TB, run string, p starPass) (out []uint32) {
	t.Helper()
	x := must(g.answers.Tensor(run + p.String() + "bits"))(t)
	all, l := g.ints(t, run+p.String()+"bits"), x.Shape[len(x.Shape)-1]
	for i := 0; i < len(all); i += l {
		code := uint32(0)
		for j, b := range all[i : i+l] {
			code |= uint32(b) << j
		}
		out = append(out, code)
	}
	return out
}

// starCodes are those of the first passes of a run.
func (g *golden) starCodes(t testing.TB, run string, n int) (out []uint32) {
	t.Helper()
	for _, p := range starPasses()[:n] {
		out = append(out, g.starBits(t, run, p)...)
	}
	return out
}

// openStar opens the golden with other fields of its description.
func openStar(t testing.TB, fields string) *golden {
	t.Helper()
	g := open(t, "infinitystar")
	if fields != "" {
		config := must(os.ReadFile("testdata/infinitystar/config.json"))(t)
		config = []byte(strings.TrimSuffix(strings.TrimSpace(string(config)), "}") + ", " + fields + "}")
		g.sys = must(must(system.Detect(nn.File(g.weights)))(t).Open(config, nn.File(g.weights)))(t)
	}
	return g
}

func (g *golden) starPrompt(t testing.TB, guidance float32) system.Prompt {
	t.Helper()
	return system.Prompt{Text: g.floats(t, "in.text"), Guidance: guidance}
}

// TestInfinityStarWaypoints compares values inside the network with the authors' code in
// all 22 passes, in both branches, and what guidance makes of them. Every pass starts from
// the bits that they drew.
func TestInfinityStarWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const run, scale = "apg34.", 34
		g := open(t, "infinitystar")
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		worst, compared, at := 0.0, 0, 0
		check := func(name string, got, want []float32) {
			t.Helper()
			e := distance(got[:len(want)], want)
			worst, compared = max(worst, e), compared+1
			if e > bound {
				t.Errorf("%s is off by %.1e", name, e)
			}
		}
		compare := func(s engine.Step, mark, name, want string) {
			t.Helper()
			check(name, must(d.Traced(s, mark))(t), g.floats(t, want))
		}
		passes := starPasses()
		for i, r := range runsOf(t, g.sys, g.starPrompt(t, scale)) {
			s := g.starStep(t, d, r, scale)
			if i == 0 {
				compare(s, "embed", "text embed", run+"text.embed")
				compare(s, "block3", "text", run+"text.last_block")
				continue
			}
			p := passes[i-1]
			for mark, want := range map[string]string{"embed": "embed", "block0": "block0", "block3": "last_block"} {
				compare(s, mark, p.String()+mark, run+p.String()+want)
			}
			branches, logits := must(d.Traced(s, "branches"))(t), g.floats(t, run+p.String()+"logits")
			for b := range 2 { // surplus draws lie behind each
				check(p.String()+"logits", branches[b*len(branches)/2:], logits[b*len(logits)/2:(b+1)*len(logits)/2])
			}
			if i > 1 && p.scale%4+p.rep > 0 {
				check(p.String()+"next", must(d.Traced(s, "next"))(t), lastly(g.floats(t, run+passes[i-2].String()+"next_input"), 8))
			}
			joined, probabilities := must(d.Traced(s, "logits"))(t), g.floats(t, run+p.String()+"prob1")
			for j, want := range probabilities {
				got := 1 / (1 + math.Exp(float64(joined[2*j])-float64(joined[2*j+1])))
				if math.Abs(got-float64(want)) > bound {
					t.Errorf("%s: bit %d is 1 with %.6f, want %.6f", p, j, got, want)
					break
				}
			}
			codes := g.starBits(t, run, p)
			if got := must(d.Tokens(0, at, at+len(codes)))(t); !slices.Equal(got, codes) {
				t.Errorf("%s: codes %v, want %v", p, got, codes)
			}
			if err := d.SetTokens(0, at, codes); err != nil {
				t.Fatal(err)
			}
			at += len(codes)
		}
		t.Logf("largest relative error at any of %d waypoints %.1e", compared, worst)
		if compared < 120 || at != len(g.starCodes(t, run, len(passes))) {
			t.Errorf("%d waypoints of %d codes were compared", compared, at)
		}
	})
}

// starStep runs both branches of a run.
func (g *golden) starStep(t testing.TB, d *engine.Decoder, r system.Run, scale float32) engine.Step {
	t.Helper()
	for b, rows := range []*system.Rows{&r.Rows, r.Other} {
		if rows == nil {
			rows = &r.Rows
		}
		if ok, err := d.Reserve(b, g.sys.Layout.Context); !ok || err != nil {
			t.Fatal("no pages", err)
		}
		if err := d.LoadRows(b, 0, 0, 0, rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.LoadTargets(0, 0, &r.Targets, max(r.GroupTargets, 1), scale); err != nil {
		t.Fatal(err)
	}
	s := engine.Step{Stage: r.Stage, Times: 1, Sequences: []step.Sequence{
		{Rows: r.N, Group: r.Group, Targets: r.Targets.N, GroupTargets: r.GroupTargets, Unconditional: 1}, {Slot: 1, Rows: r.N, Group: r.Group, Unconditional: -1},
	}}
	if err := d.Run(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// starRuns are the authors' runs with the likeliest bits.
var starRuns = []struct {
	name, fields string
	guidance     float32
}{{"apg34.", "", 34}, {"cfg3.", `"use_apg": 0`, 3}, {"nocfg1.", "", 1}}

// TestInfinityStarGreedy draws the authors' greedy runs, and again behind a first frame and
// behind a clip that are given.
func TestInfinityStarGreedy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, run := range starRuns {
			g := openStar(t, run.fields)
			e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32}))(t)
			want := g.starCodes(t, run.name, len(starPasses()))
			for _, known := range []int{0, 8, 15} {
				p := g.starPrompt(t, run.guidance)
				p.Given = g.starCodes(t, run.name, known)
				r := request(g.sys, fmt.Sprint(run.name, known), p, 0)
				r.Tokens = p.Given
				res := must(e.Generate(context.Background(), r))(t)
				if !slices.Equal(res.Tokens, want) || res.Sampled != len(want)-len(p.Given) {
					t.Errorf("%s behind %d passes: %d codes are drawn, and not the authors'", run.name, known, res.Sampled)
				}
			}
			e.Close()
		}
	})
}

// TestInfinityStarCompany draws videos of several lengths, texts and scales alone, and all
// at once in engines with few slots and pages. The bits are the same.
func TestInfinityStarCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "infinitystar")
		text := gputest.Normal(1, 90*24)
		var prompts []system.Prompt
		for i, frames := range []int{3, 1, 4, 5} { // the third ends with a short clip
			prompts = append(prompts, system.Prompt{Text: text[:[]int{5, 90, 1, 90}[i]*24], Frames: frames, Guidance: []float32{34, 1, 3, 34}[i]})
		}
		want := inCompany(t, dev, g.sys, nn.File(g.weights), "v", prompts, 1, []engine.Options{{Slots: 8}, {Slots: 4, Pages: 8, Rows: 1}})
		for i, n := range []int{86 + 124, 86, 86 + 124 + 62, 86 + 2*124} {
			if len(want[i]) != n {
				t.Errorf("video %d has %d codes, want %d", i, len(want[i]), n)
			}
		}
	})
}

// TestInfinityStarPrompts checks what a prompt may not ask for.
func TestInfinityStarPrompts(t *testing.T) {
	g := open(t, "infinitystar")
	text := make([]float32, 24)
	for name, p := range map[string]system.Prompt{
		"no text": {}, "part of a row": {Text: text[1:]}, "long text": {Text: make([]float32, 513*24)}, "frames": {Text: text, Frames: 6}, "ramp": {Text: text, Ramp: system.Linear},
		"part of a pyramid": {Text: text, Given: make([]uint32, 85)}, "all given": {Text: text, Frames: 1, Given: make([]uint32, 86)}, "too much": {Text: text, Given: make([]uint32, 1000)},
	} {
		if _, err := g.sys.Schedule(p); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, r := range runsOf(t, g.sys, system.Prompt{Text: text, Guidance: 34, Interval: 5, Given: make([]uint32, 86)})[2:] { // behind the text and the frame
		if want := []float32{34, 34, 34, 1}[min(i, 3)]; r.Targets.Scale[0] != want || len(r.Targets.Scale) != r.N {
			t.Errorf("pass %d is guided by %g, want %g", i, r.Targets.Scale[0], want)
		}
	}
	for name, fields := range map[string]string{
		"semantic scales": `"semantic_scales": 2`, "passes": `"image_scale_repetition": [2, 2]`, "no passes": `"video_scale_repetition": "[0, 1, 1, 1]"`, "tau": `"tau_video": 0`,
		"schedule": `"scale_schedule": [[1, 1, 1], [1, 2, 2], [2, 1, 1], [2, 2, 3]]`, "size": `"scale_schedule": null, "pn": "2M"`, "frames": `"scale_schedule": null, "video_frames": 7`, "list": `"image_scale_repetition": "many"`,
	} {
		config := strings.TrimSuffix(strings.TrimSpace(string(must(os.ReadFile("testdata/infinitystar/config.json"))(t))), "}") + ", " + fields + "}"
		if _, err := must(system.Detect(nn.File(g.weights)))(t).Open([]byte(config), nn.File(g.weights)); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// starShapes are the tensors of a network of upstream's layout.
func starShapes(width, heads, keys, hidden, chunks, blocks int) shapes {
	const dim, detail, semantic, text = 128, 64, 16, 2048
	s := shapes{"cfg_uncond": {512, text}, "norm_hidden_sates.weight": {width}, "sos_token": {1, 1, width}}
	s.linear("word_embed", width, detail)
	s.linear("text_proj", width, text)
	s.linear("head", 2*detail, width)
	s.linear("semantic_head2", 2*semantic, width)
	for i := range chunks * blocks {
		p := fmt.Sprintf("block_chunks.%d.module.%d.", i/blocks, i%blocks)
		for name, shape := range map[string][]int{
			"input_layernorm": {width}, "post_attention_layernorm": {width}, "attn.q_norm": {dim}, "attn.k_norm": {dim},
			"attn.q_proj": {heads * dim, width}, "attn.k_proj": {keys * dim, width}, "attn.v_proj": {keys * dim, width}, "attn.o_proj": {width, heads * dim},
			"mlp.gate_proj": {hidden, width}, "mlp.up_proj": {hidden, width}, "mlp.down_proj": {width, hidden},
		} {
			s[p+name+".weight"] = shape
		}
	}
	return s
}

// TestInfinityStarCounts counts tokens of the first pyramid and passes of the published
// sizes, for videos of five seconds.
func TestInfinityStarCounts(t *testing.T) {
	w := starShapes(256, 2, 1, 256, 1, 1)
	for size, want := range map[string]struct{ tokens, passes int }{"0.06M": {701, 0}, "0.25M": {2309, 0}, "0.40M": {3899, 82}, "0.90M": {7499, 86}} {
		s := must(must(system.Detect(w))(t).Open([]byte(fmt.Sprintf(`{"pn": %q}`, size)), w))(t)
		runs := runsOf(t, s, system.Prompt{Text: make([]float32, 2048)})
		passes, tokens := 0, 0
		for _, r := range runs {
			passes++
			if r.GroupTargets > 0 && r.Axes[len(r.Axes)-3] == 0 { // the last row is of the first frame
				tokens += r.N
			}
		}
		if tokens != 3*want.tokens || want.passes > 0 && passes != want.passes || s.Grid[0] != 21 {
			t.Errorf("%s: %d tokens and %d passes, want %+v; %v", size, tokens, passes, want, s.Grid)
		}
		fits(t, s, system.Prompt{Text: make([]float32, 2048)})
	}
}

// star8B has the tensors of the published network: 8.8 thousand million parameters.
func star8B() shapes { return starShapes(4096, 32, 8, 16384, 6, 6) }

// TestInfinityStar8B opens the published network by the names and shapes of its tensors, and
// tells its parameters and memory. With MORTON_TEST=all it takes two passes of a picture
// too, in 8 bits and with weights that are 0.
func TestInfinityStar8B(t *testing.T) {
	w := zeros{star8B()}
	p := must(system.Detect(w))(t)
	open := func(config string) *system.System { return must(p.Open([]byte(config), w))(t) }
	s := open(`{}`)
	if missing := s.Params.Missing(w); p.Name != "infinitystar" || len(missing) > 0 {
		t.Fatalf("%s lacks %d tensors", p.Name, len(missing))
	}
	if n := s.Params.Count(); n < 8.75e9 || n > 8.80e9 || s.Grid != [3]int{21, 30, 53} {
		t.Errorf("%d parameters, %v tokens", n, s.Grid)
	}
	o := engine.DecoderOptions{Slots: 2}
	small := engine.DecoderOptions{Slots: 1, Precision: nn.Int8}
	picture := open(`{"pn": "0.06M", "video_frames": 1}`)
	t.Logf("%s: %d parameters; %d MB for videos of five seconds with guidance, %d MB for a picture of 192 by 336 pixels in 8 bits",
		p.Title, s.Params.Count(), engine.Bytes(s, o)>>20, engine.Bytes(picture, small)>>20)
	if !gputest.Exhaustive() {
		return
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		begin := time.Now()
		d := must(engine.NewDecoder(dev, picture, w, small))(t)
		defer d.Free()
		opened := time.Since(begin)
		runs := runsOf(t, picture, system.Prompt{Text: make([]float32, 3*2048)})[:3]
		if err := d.SetTokens(0, 0, []uint32{^uint32(0), ^uint32(0), 9, 9}); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		steps(t, d, 0, runs...)
		t.Logf("opened in %v, steps of %d, %d and %d rows in %v", opened, runs[0].N, runs[1].N, runs[2].N, time.Since(begin))
		if x := must(d.Tokens(0, 0, 2))(t); x[0]>>16 != 0 || x[1] != 0 || x[2]>>16 != 0 || x[3] != 0 {
			t.Errorf("codes of 16 bits: %x", x)
		}
	})
}
