package systems_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// The goldens hold every tenth row of a tensor, counted over all scales or in each.
const sarEvery = 10

// sarRows are the rows of such a tensor over all scales.
const sarRows = (3*66 + sarEvery - 1) / sarEvery

// sarSides are the scales of the goldens.
var sarSides = []int{1, 2, 3, 4, 6}

// sarDecoder opens a golden's network to look inside.
func sarDecoder(t *testing.T, dev *gpu.Device, g *golden, w nn.Weights) *engine.Decoder {
	d := must(engine.NewDecoder(dev, g.sys, w, engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
	t.Cleanup(d.Free)
	for slot := range 2 {
		if ok, err := d.Reserve(slot, g.sys.Layout.Context); !ok || err != nil {
			t.Fatal("no pages", err)
		}
	}
	return d
}

func (g *golden) tokens(t *testing.T, name string) (out []uint32) {
	for _, x := range g.ints(t, name) {
		out = append(out, uint32(x))
	}
	return out
}

// TestSAR3DWaypoints compares values inside the network that draws with the authors' code, at
// every scale, from given tokens. Of the text variant that is the part of a block in which it
// differs.
func TestSAR3DWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range []string{"sar3d-image", "sar3d-text"} {
			g := open(t, name)
			d := sarDecoder(t, dev, g, nn.File(g.weights))
			worst := map[string]float64{}
			from := -2
			for k, r := range runsOf(t, g.sys, system.Prompt{Text: g.floats(t, "in.condition")}) {
				if err := d.SetTokens(0, 0, g.tokens(t, "in.idx")); err != nil {
					t.Fatal(err)
				}
				s := steps(t, d, 0, r)[0]
				if k < 2 {
					continue
				}
				if k == 2 {
					from = 0
				}
				g.sarCompare(t, d, s, k-2, from, r.N, worst)
				from += r.N
			}
			for _, x := range g.answers.Names() {
				if _, ok := worst[x]; !ok && strings.HasPrefix(x, "tf.") {
					t.Errorf("%s: %s is not compared", name, x)
				}
			}
			most := 0.0
			for x, e := range worst {
				most = max(most, e)
				if !(e <= bound) {
					t.Errorf("%s: %s is off by %.1e", name, x, e)
				}
			}
			t.Logf("%s: largest relative error of %d kinds of waypoints %.1e", name, len(worst), most)
		}
	})
}

// sarCompare compares n rows of a scale, of which the first is row from.
func (g *golden) sarCompare(t *testing.T, d *engine.Decoder, s engine.Step, scale, from, n int, worst map[string]float64) {
	t.Helper()
	start := "embed"
	if scale == 0 {
		start = "first"
	}
	before := start // what a block looks at the condition from
	if strings.HasSuffix(g.name, "text") {
		before = "block0.attended"
	}
	marks := map[string]string{
		"tf.wp.embeddings": start, "tf.wp.block0.prenorm": "block0.look_in", "tf.wp.block0.cross_attn": "block0.looked", "tf.wp.block0.attn": "block0.attn_out",
		"tf.wp.block0.ffn": "block0.ffn_out", "tf.wp.block0": "block0", "tf.wp.block1": "block1", "tf.wp.head_nm": "head_nm", "tf.out.logits": "head.weight", "tf.in.x_wo_first": "next",
	}
	for name, mark := range marks {
		if !slices.Contains(g.answers.Names(), name) || mark == "next" && scale == 0 {
			continue
		}
		all := g.floats(t, name)
		got := must(d.Traced(s, mark))(t)
		if mark == "next" {
			worst[name] = max(worst[name], distance(got, all[(from-3)*8:(from-3+n)*8]))
			continue
		}
		if mark == "block0.looked" {
			for i, x := range must(d.Traced(s, before))(t) {
				got[i] -= x
			}
		}
		w := len(all) / sarRows
		var mine, want []float32
		for row := from; row < from+n; row++ {
			if row%sarEvery == 0 {
				mine, want = append(mine, got[(row-from)*w:(row-from+1)*w]...), append(want, all[row/sarEvery*w:(row/sarEvery+1)*w]...)
			}
		}
		if len(mine) > 0 {
			worst[name] = max(worst[name], distance(mine, want))
		}
	}
}

// TestSAR3DGreedy draws the authors' greedy run, with guidance, two requests at once.
func TestSAR3DGreedy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "sar3d-image")
		e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32}))(t)
		defer e.Close()
		p := system.Prompt{Text: g.floats(t, "in.condition"), Guidance: 5}
		for i, res := range together(t, e, []engine.Request{request(g.sys, "a", p, 0), request(g.sys, "b", p, 0)}) {
			if want := g.tokens(t, "greedy.ids"); !slices.Equal(res.Tokens, want) {
				t.Errorf("request %d: tokens %v, want %v", i, res.Tokens, want)
			}
		}
	})
}

// sarGuided are the logits of every scale of given tokens, guided as the authors do, and what
// the tokens of all scales but the last add up to behind each.
func sarGuided(t *testing.T, d *engine.Decoder, g *golden, tokens []uint32, cfg float64) (logits [][]float64, sums [][]float32) {
	t.Helper()
	none := must(nn.File(g.weights).Floats("none.features"))(t)
	var of [2][][]float32
	for slot, text := range [][]float32{g.floats(t, "in.condition"), none} {
		for k, r := range runsOf(t, g.sys, system.Prompt{Text: text}) {
			if err := d.SetTokens(slot, 0, tokens); err != nil {
				t.Fatal(err)
			}
			s := steps(t, d, slot, r)[0]
			if k >= 2 {
				of[slot] = append(of[slot], must(d.Traced(s, "head.weight"))(t))
			}
			if slot == 0 && k > 2 {
				sums = append(sums, must(d.Traced(s, "sum"))(t))
			}
		}
	}
	for k, side := range sarSides {
		t := cfg * float64(k) / float64(len(sarSides)-1)
		row := make([]float64, 3*side*side*96)
		for i := range row {
			row[i] = (1+t)*float64(of[0][k][i]) - t*float64(of[1][k][i])
		}
		logits = append(logits, row)
	}
	return logits, sums
}

// TestSAR3DGuidance compares the guided logits of the authors' greedy and sampled runs, and the
// planes behind every scale. Every token of the sampled run is drawn again, by our logits and the
// recorded random number.
func TestSAR3DGuidance(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "sar3d-image")
		d := sarDecoder(t, dev, g, nn.File(g.weights))
		worst, compared := 0.0, 0
		compare := func(what string, got, want []float32) {
			e := distance(got, want)
			worst, compared = max(worst, e), compared+1
			if !(e <= bound) {
				t.Errorf("%s is off by %.1e", what, e)
			}
		}
		for run, cfg := range map[string]float64{"greedy": 4, "sample": 1.5} {
			tokens := g.tokens(t, run+".ids")
			logits, sums := sarGuided(t, d, g, tokens, cfg)
			at := 0
			for k, side := range sarSides {
				if name := fmt.Sprint(run, ".guided_logits_scale", k); slices.Contains(g.answers.Names(), name) {
					var mine []float32
					for row := 0; row < 3*side*side; row += sarEvery {
						mine = append(mine, narrow(logits[k][row*96:(row+1)*96])...)
					}
					compare(name, mine, g.floats(t, name))
				}
				if run == "greedy" && k+1 < len(sarSides) {
					for plane := range 3 {
						all := g.floats(t, fmt.Sprint("greedy.fhat_after_scale", k))
						compare(fmt.Sprint("the planes behind scale ", k), sums[k][plane*36*8:(plane+1)*36*8], lastly(all[plane*36*8:(plane+1)*36*8], 8))
					}
				}
				for row := 0; run == "sample" && row < 3*side*side; row, at = row+1, at+1 {
					u, kept := g.floats(t, "sample.u")[at], g.ints(t, "sample.kept_count")[at]
					if id, n := sarDraw(logits[k][row*96:(row+1)*96], float64(u)); id != tokens[at] || n != int(kept) {
						t.Fatalf("token %d is %d of %d, want %d of %d", at, id, n, tokens[at], kept)
					}
				}
			}
		}
		t.Logf("largest relative error of %d logits and planes %.1e", compared, worst)
	})
}

// sarDraw samples as the golden's run: top-k 10, then the smallest set above a probability of 0.9.
// It returns the token and the size of the set.
func sarDraw(logits []float64, u float64) (token uint32, kept int) {
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	order = order[:10]
	best := order[0]
	sum := func(of []int) (all float64) {
		for _, i := range of {
			all += math.Exp(logits[i] - logits[best])
		}
		return all
	}
	total := sum(order)
	for kept = len(order); kept > 1 && sum(order[kept-1:]) <= 0.1*total; {
		kept--
	}
	order = order[:kept]
	left := sum(order)
	slices.Sort(order)
	at := 0.0
	for _, i := range order {
		if at += math.Exp(logits[i]-logits[best]) / left; at > u {
			return uint32(i), kept
		}
	}
	return uint32(order[kept-1]), kept
}

func narrow(x []float64) (out []float32) {
	for _, v := range x {
		out = append(out, float32(v))
	}
	return out
}

// TestSAR3DAlone holds that a request draws the same alone and in company, guided and not.
func TestSAR3DAlone(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "sar3d-image")
		text := g.floats(t, "in.condition")
		prompts := []system.Prompt{{Text: text, Guidance: 5}, {Text: text}, {Text: text[:len(text)/2], Guidance: 3}}
		drawn := inCompany(t, dev, g.sys, nn.File(g.weights), "s", prompts, 1, []engine.Options{{Slots: 6}, {Slots: 3, Pages: 20}})
		if slices.Equal(drawn[0], drawn[1]) || slices.Equal(drawn[0], drawn[2]) {
			t.Error("guidance and condition change nothing")
		}
	})
}

// TestSAR3DRefuses refuses conditions that do not fit, and guidance without the features of none.
func TestSAR3DRefuses(t *testing.T) {
	g := open(t, "sar3d-image")
	text := g.floats(t, "in.condition")
	for _, bad := range [][]float32{nil, text[:23], text[:24], text[:25], make([]float32, 24*258)} {
		if _, err := g.sys.Schedule(system.Prompt{Text: bad}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%d features: %v", len(bad), err)
		}
	}
	w := lacking{nn.File(g.weights), "none."}
	s := must(must(system.Detect(w))(t).Open([]byte(`{"patch_nums": [1, 2, 3, 4, 6]}`), w))(t)
	if _, err := s.Schedule(system.Prompt{Text: text, Guidance: 2}); !errors.Is(err, system.ErrPrompt) || !strings.Contains(err.Error(), "none.safetensors") {
		t.Errorf("guidance without the features of no condition: %v", err)
	}
	if _, err := s.Schedule(system.Prompt{Text: text, Guidance: 1}); err != nil {
		t.Error(err)
	}
	for _, config := range []string{`{`, `{"patch_nums": [1, 2]}`, `{"patch_nums": [1, 2, 3, 4, 6], "variant": "sound"}`, `{"patch_nums": [1, 2, 3, 4, 6], "condition_rows": -1}`, `{"patch_nums": [1, 2, 3, 4, 6], "num_heads": 5}`, `{}`} {
		if _, err := must(system.Detect(w))(t).Open([]byte(config), w); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// lacking are weights without those of a prefix.
type lacking struct {
	nn.Weights
	prefix string
}

func (l lacking) Shape(name string) ([]int, bool) {
	if strings.HasPrefix(name, l.prefix) {
		return nil, false
	}
	return l.Weights.Shape(name)
}
