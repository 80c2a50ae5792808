package systems_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// varSides are the scales of the goldens.
var varSides = []int{1, 2, 3, 4, 5, 6}

// varGoldens are both forms of adaptive norms.
var varGoldens = []string{"var", "var-sharedaln"}

// scaled returns the integers of all scales of a sample.
func (g *golden) scaled(t testing.TB, name string, sample int) (out []uint32) {
	t.Helper()
	for k, p := range varSides {
		for _, x := range g.ints(t, fmt.Sprint(name, k))[sample*p*p : (sample+1)*p*p] {
			out = append(out, uint32(x))
		}
	}
	return out
}

// lastly turns [c, n] into [n, c].
func lastly(x []float32, c int) []float32 {
	n := len(x) / c
	out := make([]float32, len(x))
	for i := range n {
		for j := range c {
			out[i*c+j] = x[j*n+i]
		}
	}
	return out
}

// TestVARWaypoints compares values inside the network that draws with the authors' code,
// at every scale, from given tokens.
func TestVARWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range varGoldens {
			g := open(t, name)
			d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
			worst, names := 0.0, map[string]bool{}
			for b, label := range g.ints(t, "in.labels") {
				if err := d.SetTokens(b, 0, g.scaled(t, "in.idx_scale", b)); err != nil {
					t.Fatal(err)
				}
				if ok, err := d.Reserve(b, g.sys.Layout.Context); !ok || err != nil {
					t.Fatal("no pages", err)
				}
				from := 0
				for k, r := range runsOf(t, g.sys, system.Prompt{Class: int(label)}) {
					s := steps(t, d, b, r)[0]
					if k == 0 {
						continue
					}
					// The tokens that were drawn are not those that the next scale is given.
					if err := d.SetTokens(b, 0, g.scaled(t, "in.idx_scale", b)); err != nil {
						t.Fatal(err)
					}
					compare := func(mark string, want []float32) {
						got := must(d.Traced(s, mark))(t)
						e := distance(got[:min(len(want), len(got))], want)
						worst, names[mark] = max(worst, e), true
						if e > bound {
							t.Errorf("%s: sample %d: scale %d: %s is off by %.1e", name, b, k-1, mark, e)
						}
					}
					for _, x := range g.answers.Names() {
						mark, ok := strings.CutPrefix(x, "tf.")
						all := []float32(nil)
						switch {
						case !ok || strings.Contains(mark, "ada") || mark == "logits_uncond" || mark == "var_input":
							continue
						case strings.HasPrefix(mark, "f_hat_scale"):
							if k > 1 && mark == fmt.Sprint("f_hat_scale", k-2) {
								all = g.floats(t, x)
								compare("sum", lastly(all[b*len(all)/2:(b+1)*len(all)/2], 8))
							}
							continue
						case mark == "head_nm", mark == "logits", mark == "embed", strings.HasPrefix(mark, "block"):
							all = g.floats(t, x)
						default:
							t.Fatalf("a waypoint %s", x)
						}
						w := len(all) / 2 / 91
						if mark == "logits" {
							mark = "head.weight"
						}
						compare(mark, all[(b*91+from)*w:(b*91+from+r.N)*w])
					}
					if k > 1 && slices.Contains(g.answers.Names(), "tf.var_input") {
						all := g.floats(t, "tf.var_input")
						compare("next", all[(b*90+from-1)*8:(b*90+from-1+r.N)*8])
					}
					from += r.N
				}
			}
			d.Free()
			if len(names) < 7 {
				t.Errorf("%s: only %v are compared", name, names)
			}
			t.Logf("%s: largest relative error of %d kinds of waypoints %.1e", name, len(names), worst)
		}
	})
}

// TestVARGreedy draws the authors' greedy runs, both samples at once, with and without
// guidance.
func TestVARGreedy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, run := range []struct {
			golden, name string
			guidance     float32
		}{{"var", "greedy_cfg0", 1}, {"var", "greedy_cfg1.5", 2.5}, {"var-sharedaln", "greedy_cfg1.5", 2.5}} {
			g := open(t, run.golden)
			e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32}))(t)
			var wg sync.WaitGroup
			for b, label := range g.ints(t, "in.labels") {
				wg.Go(func() {
					r := request(g.sys, fmt.Sprint(run.name, b), system.Prompt{Class: int(label), Guidance: run.guidance}, 0)
					res, err := e.Generate(context.Background(), r)
					if err != nil {
						t.Error(err)
						return
					}
					if want := g.scaled(t, run.name+".idx_scale", b); !slices.Equal(res.Tokens, want) {
						t.Errorf("%s: %s: sample %d: tokens %v, want %v", run.golden, run.name, b, res.Tokens, want)
					}
				})
			}
			wg.Wait()
			e.Close()
		}
	})
}

// TestVARSmooth makes the authors' tokens between codes from their recorded Gumbel numbers, both
// samples at once with guidance. A request draws the same alone and in company.
func TestVARSmooth(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const run, dim, codes = "smooth_cfg1.5", 8, 64
		g := open(t, "var").described(t, `"more_smooth": true`)
		e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32, Recorded: codes / dim}))(t)
		defer e.Close()
		var requests []engine.Request
		var want [2][]float32
		for b, label := range g.ints(t, "in.labels") {
			r := request(g.sys, fmt.Sprint(run, b), system.Prompt{Class: int(label), Guidance: 2.5}, 1)
			for k := range varSides {
				gumbel, h := g.floats(t, fmt.Sprint(run, ".gumbel_scale", k)), g.floats(t, fmt.Sprint(run, ".h_scale", k))
				r.Noise = append(r.Noise, gumbel[b*len(gumbel)/2:(b+1)*len(gumbel)/2]...)
				want[b] = append(want[b], h[b*len(h)/2:(b+1)*len(h)/2]...)
			}
			requests = append(requests, r)
		}
		for b, res := range together(t, e, requests) {
			off := distance(res.Numbers(), want[b])
			t.Logf("sample %d: largest relative error of %d numbers %.1e", b, len(want[b]), off)
			if len(res.Tokens) != 91*dim || !(off <= 1e-3) {
				t.Errorf("sample %d: %d numbers are off by %.1e", b, len(res.Tokens), off)
			}
		}
		prompts := []system.Prompt{{Class: 1, Guidance: 2}, {Class: 2}, {Class: 1, Guidance: 3}}
		inCompany(t, dev, g.sys, nn.File(g.weights), "s", prompts, 1, []engine.Options{{Slots: 6}, {Slots: 3, Pages: 4}})
	})
}

// TestVARSpectrum holds the inputs of scales whose singular directions are softened or amplified to
// float64, from the authors' inputs, in two sequences at once. Others stay, a request draws the
// same in company, and another spectrum draws otherwise.
func TestVARSpectrum(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		spectrum := []float64{0, 0, -0.5, -1, 0, 0.3}
		g := open(t, "var").described(t, `"spectrum": [0, 0, -0.5, -1, 0, 0.3]`)
		d := must(engine.NewDecoder(dev, g.sys, nn.File(g.weights), engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		given := func() {
			for b := range 2 {
				if err := d.SetTokens(b, 0, g.scaled(t, "in.idx_scale", b)); err != nil {
					t.Fatal(err)
				}
			}
		}
		inputs := g.floats(t, "tf.var_input") // [2, 90, 8]
		at, compared := 0, 0
		for k, r := range runsOf(t, g.sys, system.Prompt{}) {
			given()
			s := engine.Step{Stage: r.Stage, Times: 1}
			for b := range 2 {
				if ok, err := d.Reserve(b, g.sys.Layout.Context); !ok || err != nil {
					t.Fatal("no pages", err)
				}
				if err := errors.Join(d.LoadRows(b, 0, 0, 0, &r.Rows), d.LoadTargets(b, 0, &r.Targets, max(r.GroupTargets, 1), 1)); err != nil {
					t.Fatal(err)
				}
				s.Sequences = append(s.Sequences, step.Sequence{Slot: b, Canvas: b, Rows: r.N, Group: r.Group, Targets: r.Targets.N, GroupTargets: r.GroupTargets, Unconditional: -1})
			}
			if err := d.Run(s); err != nil {
				t.Fatal(err)
			}
			if k < 2 {
				continue // the condition, and the scale without an input
			}
			got, err := d.Traced(s, "scaled")
			if strength := spectrum[k-1]; (err == nil) != (strength != 0) {
				t.Errorf("scale %d: %v", k-1, err)
			} else if err == nil {
				for b := range 2 {
					own := inputs[(b*90+at)*8 : (b*90+at+r.N)*8]
					if e := distance(got[b*r.N*8:(b+1)*r.N*8], softened(own, r.N, 8, strength)); e > bound {
						t.Errorf("scale %d of sample %d is off by %.1e", k-1, b, e)
					}
					compared++
				}
			}
			at += r.N
		}
		if compared != 6 {
			t.Errorf("%d inputs were compared", compared)
		}
		prompts := []system.Prompt{{Class: 1, Guidance: 2}, {Class: 2}, {Class: 1, Guidance: 3}}
		drawn := inCompany(t, dev, g.sys, nn.File(g.weights), "s", prompts, 1, []engine.Options{{Slots: 6}, {Slots: 3, Pages: 4}})
		for i, plain := range inCompany(t, dev, open(t, "var").sys, nn.File(g.weights), "s", prompts, 1, nil) {
			if slices.Equal(drawn[i], plain) {
				t.Errorf("picture %d is as without a spectrum", i)
			}
		}
	})
	for _, bad := range []string{`"spectrum": [0, 0, 0, 0, 0, 0, 1]`, `"spectrum": [11]`} {
		config := append([]byte("{"+bad+", "), must(os.ReadFile("testdata/var/config.json"))(t)[1:]...)
		g := open(t, "var")
		if _, err := must(system.Detect(nn.File(g.weights)))(t).Open(config, nn.File(g.weights)); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// softened scales the singular values s of x, [n, d], by exp(strength·s/largest), in float64.
func softened(x []float32, n, d int, strength float64) (out []float32) {
	var svd mat.SVD
	svd.Factorize(mat.NewDense(n, d, wide(x)), mat.SVDThin)
	values := svd.Values(nil)
	most := values[0] // they fall
	for i, v := range values {
		values[i] = v * math.Exp(strength*v/most)
	}
	var u, v, us, y mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	us.Mul(&u, mat.NewDiagDense(len(values), values))
	y.Mul(&us, v.T())
	for i := range n {
		for j := range d {
			out = append(out, float32(y.At(i, j)))
		}
	}
	return out
}

// TestVARAlone holds that a request draws the same tokens alone and among others, guided
// and not, in whatever slots.
func TestVARAlone(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "var")
		requests := func() (out []engine.Request) {
			for i := range 5 {
				r := request(g.sys, fmt.Sprint("r", i), system.Prompt{Class: i, Guidance: []float32{1, 2.5}[i%2]}, 1)
				r.TopK, r.TopP = 20, 0.9
				out = append(out, r)
			}
			return out
		}
		one := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 2}))(t)
		defer one.Close()
		many := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 7}))(t)
		defer many.Close()
		together := drawAll(t, many, requests())
		for i, r := range requests() {
			res := must(one.Generate(context.Background(), r))(t)
			if !slices.Equal(res.Tokens, together[i]) {
				t.Errorf("request %d draws others alone", i)
			}
		}
		if slices.Equal(together[0], together[2]) {
			t.Error("two classes draw the same")
		}
	})
}

// TestVARPasses counts the passes of the published schedule.
func TestVARPasses(t *testing.T) {
	s := varOfSize(t, 16, nil)
	runs := runsOf(t, s, system.Prompt{Class: 3, Guidance: 2.5})
	tokens := 0
	for k, r := range runs[1:] {
		tokens += r.Targets.N
		want := 1 + 1.5*float64(k)/9
		if r.Steps() != 1 || math.Abs(float64(r.Targets.Scale[0])-want) > 1e-6 {
			t.Errorf("scale %d takes %d steps with guidance of %g, want %g", k, r.Steps(), r.Targets.Scale[0], want)
		}
	}
	if len(runs) != 11 || tokens != 680 {
		t.Errorf("%d passes for %d tokens", len(runs)-1, tokens)
	}
}

// varShapes are the tensors of a published network of some depth, with the tokenizer's.
func varShapes(depth int) shapes {
	d := 64 * depth
	s := shapes{
		"pos_1LC": {1, 680, d}, "pos_start": {1, 1, d}, "lvl_embed.weight": {10, d}, "class_emb.weight": {1001, d}, "word_embed.weight": {d, 32},
		"word_embed.bias": {d}, "head_nm.ada_lin.1.weight": {2 * d, d}, "head_nm.ada_lin.1.bias": {2 * d}, "head.weight": {4096, d}, "head.bias": {4096},
		"vae.quantize.embedding.weight": {4096, 32},
	}
	for i := range 4 {
		p := fmt.Sprintf("vae.quantize.quant_resi.qresi_ls.%d.", i)
		s[p+"weight"], s[p+"bias"] = []int{32, 32, 3, 3}, []int{32}
	}
	for i := range depth {
		for name, shape := range map[string][]int{
			"ada_lin.1.weight": {6 * d, d}, "ada_lin.1.bias": {6 * d}, "attn.mat_qkv.weight": {3 * d, d}, "attn.q_bias": {d}, "attn.zero_k_bias": {d}, "attn.v_bias": {d},
			"attn.scale_mul_1H11": {1, depth, 1, 1}, "attn.proj.weight": {d, d}, "attn.proj.bias": {d},
			"ffn.fc1.weight": {4 * d, d}, "ffn.fc1.bias": {4 * d}, "ffn.fc2.weight": {d, 4 * d}, "ffn.fc2.bias": {d},
		} {
			s[fmt.Sprintf("blocks.%d.", i)+name] = shape
		}
	}
	return s
}

// varOfSize opens a network of the published layout.
func varOfSize(t testing.TB, depth int, config []byte) *system.System {
	t.Helper()
	w := varShapes(depth)
	return must(must(system.Detect(w))(t).Open(config, w))(t)
}
