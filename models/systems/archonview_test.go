package systems_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// A tiny ArchonView.
const (
	avWidth, avHeads, avDepth, avHidden, avFeatures, avDim, avCodes = 16, 2, 2, 24, 12, 8, 20
	avDescription                                                   = `{"patch_nums": [1, 2, 3], "num_heads": 2}`
)

var avSides = []int{1, 2, 3}

const avTokens = 1 + 4 + 9

func tinyArchonView() named64 {
	return named64{archonShapes(avWidth, avHeads, avDepth, avHidden, avFeatures, avDim, avCodes, avSides), &sync.Map{}}
}

// archonShapes are the tensors of a network with those of the quantizer and of no condition.
func archonShapes(d, heads, depth, hidden, features, dim, codes int, sides []int) shapes {
	tokens := 0
	for _, p := range sides {
		tokens += p * p
	}
	s := shapes{
		"pos_1LC": {1, tokens, d}, "xpos_1LC": {1, tokens, d}, "pos_start": {1, 1, d}, "lvl_embed.weight": {len(sides), d}, "xlvl_embed.weight": {len(sides), d},
		"null_token": {d}, "none.features": {1, features}, "vae.quantize.embedding.weight": {codes, dim},
	}
	s.linear("word_embed", d, dim)
	s.linear("emb_linear", d, features)
	s.linear("pose_embed", features, features+4)
	s.linear("head", codes, d)
	for i := range 4 {
		p := fmt.Sprintf("vae.quantize.quant_resi.qresi_ls.%d.", i)
		s[p+"weight"], s[p+"bias"] = []int{dim, dim, 3, 3}, []int{dim}
	}
	for i := range depth {
		b := fmt.Sprintf("blocks.%d.", i)
		s.linear(b+"ada_lin.1", 6*d, d)
		s.linear(b+"attn.proj", d, d)
		s.linear(b+"ffn.fc1", hidden, d)
		s.linear(b+"ffn.fc2", d, hidden)
		s[b+"attn.mat_qkv.weight"], s[b+"attn.scale_mul_1H11"] = []int{3 * d, d}, []int{1, heads, 1, 1}
		for _, x := range []string{"q_bias", "zero_k_bias", "v_bias"} {
			s[b+"attn."+x] = []int{d}
		}
	}
	return s
}

// view64 computes the logits of all scales in float64, from what the scales' codes add up to. Codes
// are those of the source, nil without.
func (o named64) view64(condition, codes []float64, sums [][]float64) (logits [][]float64) {
	image := o.linear("emb_linear", condition)
	word := func(x []float64) []float64 { return o.linear("word_embed", x) }
	var rows [][]float64
	var sees []int // how many rows each sees
	at := 0
	for k, side := range avSides {
		for range side * side {
			x := o.row("null_token", 0, avWidth)
			if codes != nil {
				x = plus(plus(word(codes[at*avDim:(at+1)*avDim]), o.row("xlvl_embed.weight", k, avWidth)), o.row("xpos_1LC", at, avWidth))
			}
			rows, sees, at = append(rows, x), append(sees, avTokens+1), at+1
		}
	}
	at = 0
	for k, side := range avSides {
		n := side * side
		for i := range n {
			x := plus(o.row("lvl_embed.weight", k, avWidth), o.row("pos_1LC", at+i, avWidth))
			if k == 0 {
				x = plus(plus(x, image), o.row("pos_start", 0, avWidth))
			} else {
				x = plus(x, word(sums[k-1][i*avDim:(i+1)*avDim]))
			}
			rows, sees = append(rows, x), append(sees, avTokens+at+n)
		}
		at += n
	}
	told := each(image, silu)
	for i := range avDepth {
		o.viewBlock(fmt.Sprintf("blocks.%d.", i), rows, sees, told)
	}
	for _, x := range rows[avTokens:] {
		logits = append(logits, o.linear("head", x))
	}
	return logits
}

func (o named64) viewBlock(b string, x [][]float64, sees []int, told []float64) {
	m := o.linear(b+"ada_lin.1", told)
	part := func(i int) []float64 { return m[i*avWidth : (i+1)*avWidth] }
	const dh = avWidth / avHeads
	var q, k, v [][]float64
	for _, row := range x {
		y := o.product(b+"attn.mat_qkv.weight", modulate(unit(row), part(2), part(4)))
		query, key := plus(y[:avWidth], o.row(b+"attn.q_bias", 0, avWidth)), plus(y[avWidth:2*avWidth], o.row(b+"attn.zero_k_bias", 0, avWidth))
		for h := range avHeads {
			scale := math.Exp(min(o.row(b+"attn.scale_mul_1H11", h, 1)[0], math.Log(100)))
			scaleTo(query[h*dh:(h+1)*dh], scale*math.Sqrt(dh)) // attend divides by the root
			scaleTo(key[h*dh:(h+1)*dh], 1)
		}
		q, k, v = append(q, query), append(k, key), append(v, plus(y[2*avWidth:], o.row(b+"attn.v_bias", 0, avWidth)))
	}
	for i := range x {
		gate(x[i], part(0), o.linear(b+"attn.proj", attend(q[i], k[:sees[i]], v[:sees[i]], avHeads)))
		gate(x[i], part(1), o.linear(b+"ffn.fc2", each(o.linear(b+"ffn.fc1", modulate(unit(x[i]), part(3), part(5))), geluTanh)))
	}
}

// scaleTo gives x a length.
func scaleTo(x []float64, length float64) {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	for i := range x {
		x[i] *= length / math.Sqrt(sum)
	}
}

// TestArchonView computes greedy views again in float64, with guidance and without, and without a
// source. What the tokens of scales add up to is the quantizer's, which VAR's answers hold. Every
// logit of both branches is compared.
func TestArchonView(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyArchonView()
		s := must(must(system.Detect(o))(t).Open([]byte(avDescription), o))(t)
		if s.Name != "archonview" || len(s.Params.Missing(o)) > 0 {
			t.Fatalf("%s lacks %v", s.Name, s.Params.Missing(o))
		}
		view, codes := gputest.Normal(3, avFeatures+4), gputest.Normal(4, avTokens*avDim)
		e := must(engine.New(dev, s, o, engine.Options{Slots: 4, Precision: nn.F32}))(t)
		defer e.Close()
		d := must(engine.NewDecoder(dev, s, o, engine.DecoderOptions{Slots: 2, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		prompts := []system.Prompt{{Text: view, Control: codes, Guidance: 4}, {Text: view, Control: codes}, {Text: view, Guidance: 2}}
		var requests []engine.Request
		for i, p := range prompts {
			requests = append(requests, request(s, fmt.Sprint(i), p, 0))
		}
		worst := 0.0
		for i, res := range together(t, e, requests) {
			p := prompts[i]
			if len(res.Tokens) != avTokens {
				t.Fatalf("%d tokens", len(res.Tokens))
			}
			var seen [2][][]float64 // by branch, the logits of every token
			for branch := range 2 {
				if branch == 1 && p.Guidance <= 1 {
					break
				}
				seen[branch] = o.checkView(t, d, s, p, res.Tokens, branch, &worst)
			}
			at := 0
			for k, side := range avSides {
				for range side * side {
					logits := seen[0][at]
					if p.Guidance > 1 {
						logits = guided(slices.Clone(seen[1][at]), logits, 1+float64(p.Guidance-1)*float64(k)/2)
					}
					checkLikeliest(t, fmt.Sprintf("view %d: token %d", i, at), logits, res.Tokens[at])
					at++
				}
			}
		}
		t.Logf("largest relative error %.1e", worst)
		drawn := inCompany(t, dev, s, o, "v", prompts, 1, []engine.Options{{Slots: 6}})
		if slices.Equal(drawn[0], drawn[1]) || slices.Equal(drawn[0], drawn[2]) {
			t.Error("guidance and source change nothing")
		}
	})
}

// checkView compares the logits of a branch at given tokens, and returns those in float64.
func (o named64) checkView(t *testing.T, d *engine.Decoder, s *system.System, p system.Prompt, tokens []uint32, branch int, worst *float64) [][]float64 {
	t.Helper()
	var sums [][]float64
	var got []float32
	for k, r := range runsOf(t, s, p) {
		r.Rows = *r.Branch(branch)
		if ok, err := d.Reserve(0, s.Layout.Context); !ok || err != nil {
			t.Fatal("no pages", err)
		}
		if err := d.SetTokens(0, 0, tokens); err != nil {
			t.Fatal(err)
		}
		step := steps(t, d, 0, r)[0]
		if k > 2 {
			sums = append(sums, wide(must(d.Traced(step, "next"))(t)))
		}
		if k >= 2 {
			got = append(got, must(d.Traced(step, "head.weight"))(t)[:r.Targets.N*avCodes]...)
		}
	}
	condition, codes := o.linear("pose_embed", wide(p.Text)), wide(p.Control)
	if branch == 1 {
		condition, codes = o.row("none.features", 0, avFeatures), nil
	}
	if p.Control == nil {
		codes = nil
	}
	want := o.view64(condition, codes, sums)
	var all []float32
	for _, row := range want {
		all = append(all, narrow(row)...)
	}
	e := distance(got, all)
	*worst = max(*worst, e)
	if !(e <= bound) {
		t.Errorf("branch %d: logits are off by %.1e", branch, e)
	}
	return want
}

// TestArchonViewReleased opens a network of the released layout by the names and shapes that the
// authors' code makes, and tells its memory.
func TestArchonViewReleased(t *testing.T) {
	w := zeros{archonShapes(1536, 24, 24, 6144, 768, 32, 4096, []int{1, 2, 3, 4, 5, 6, 8, 10, 13, 16})}
	s := must(must(system.Detect(w))(t).Open(nil, w))(t)
	if missing := s.Params.Missing(w); s.Name != "archonview" || len(missing) > 0 || s.Tokens != 680 || s.Text != 772 || s.Control != 32 {
		t.Fatalf("%s lacks %v", s.Name, missing)
	}
	runs := runsOf(t, s, system.Prompt{Text: make([]float32, 772), Control: make([]float32, 680*32), Guidance: 4})
	if len(runs) != 12 || runs[2].N != 681 || runs[2].Targets.N != 1 || runs[11].KVLen[0] != 1360 || math.Abs(float64(runs[11].Targets.Scale[0])-4) > 1e-6 {
		t.Errorf("%d runs, the first pass of %d rows", len(runs), runs[2].N)
	}
	t.Logf("%d parameters, %d MB in f16 with guidance", s.Params.Count(), engine.Bytes(s, engine.DecoderOptions{Slots: 2})>>20)
	for _, p := range []system.Prompt{{}, {Text: make([]float32, 768)}, {Text: make([]float32, 772), Control: make([]float32, 32)}} {
		if _, err := s.Schedule(p); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%d and %d features: %v", len(p.Text), len(p.Control), err)
		}
	}
	delete(w.shapes, "none.features")
	s = must(must(system.Detect(w))(t).Open(nil, w))(t)
	if _, err := s.Schedule(system.Prompt{Text: make([]float32, 772), Guidance: 4}); !errors.Is(err, system.ErrPrompt) || !strings.Contains(err.Error(), "none.safetensors") {
		t.Errorf("guidance without the features of no condition: %v", err)
	}
	for _, config := range []string{`{`, `{"more_smooth": true}`, `{"num_heads": 7}`, `{"patch_nums": [1, 2]}`} {
		if _, err := must(system.Detect(w))(t).Open([]byte(config), w); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// TestArchonViewFolder opens a folder as commands do, and draws a picture of a view.
func TestArchonViewFolder(t *testing.T) {
	o := named64{archonShapes(avWidth, avHeads, avDepth, avHidden, avFeatures, 8, 64, varSides), &sync.Map{}}
	dir := folderOf(t, o, `{"patch_nums": [1, 2, 3, 4, 5, 6], "num_heads": 2}`, "../tokenizer/msvq/testdata/")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m := must(models.Open(dev, system.Image, dir, models.Options{Slots: 2, Precision: nn.F32}))(t)
		defer m.Close()
		r := models.Request{ID: "a", Text: gputest.Normal(3, avFeatures+4), Control: gputest.Normal(4, 91*8)}
		res := must(m.Generate(context.Background(), r))(t)
		if p := res.Media.Picture; m.System().Name != "archonview" || p.H != 24 || p.W != 24 {
			t.Errorf("a picture of %dx%d by %s", p.H, p.W, m.System().Name)
		}
		r.Text = nil
		if _, err := m.Generate(context.Background(), r); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("without a view: %v", err)
		}
	})
}
