package systems_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

const (
	caLayers, caWidth, caCaption, caRows = 6, 8, 12, 5
	caStrength                           = 0.6
)

// tinyControlAR is a network for classes, or for texts, with a control.
func tinyControlAR(text bool, width int) named64 {
	s := shapes{"adapter_mlp.fc1.weight": {llWidth, width}}
	s.llama("", caLayers, llValues, llValues)
	square := []int{llWidth, llWidth}
	for _, name := range []string{"adapter_mlp.fc2", "condition_mlp.cap_proj.fc1", "condition_mlp.cap_proj.fc2"} {
		s[name+".weight"] = square
	}
	for l := range 3 {
		s[fmt.Sprintf("condition_layers.%d.fc1.weight", l)], s[fmt.Sprintf("condition_layers.%d.fc2.weight", l)] = square, square
	}
	if text {
		s["cls_embedding.cap_proj.fc1.weight"], s["cls_embedding.cap_proj.fc2.weight"] = []int{llWidth, caCaption}, square
		s["cls_embedding.uncond_embedding"] = []int{caRows, caCaption}
	} else {
		s["cls_embedding.embedding_table.weight"] = []int{llClasses + 1, llWidth}
	}
	return named64{s, &sync.Map{}}
}

func (o named64) twoLayers(name string, x []float64) []float64 {
	return o.product(name+".fc2.weight", each(o.product(name+".fc1.weight", x), geluTanh))
}

// steered are the logits of token next, from a whole pass over the rows of the condition and
// the tokens before. Control is nil in the branch without.
func (o named64) steered(condition [][]float64, control []float32, width, next int, tokens []uint32) []float64 {
	var all []llRow
	for _, x := range condition {
		all = append(all, llRow{x: slices.Clone(x), class: true, sees: len(all) + 1})
	}
	for i := range next {
		all = append(all, llRow{x: o.row("tok_embeddings.weight", int(tokens[i]), llWidth), place: [2]int{i / llSide, i % llSide}, sees: len(all) + 1})
	}
	first := len(condition) - 1 // the row that predicts token 0
	for i := range caLayers {
		if third := caLayers / 3; i%third == 0 && control != nil {
			for token := range next + 1 {
				x := o.twoLayers("condition_mlp.cap_proj", o.twoLayers("adapter_mlp", wide(control[token*width:(token+1)*width])))
				add := o.twoLayers(fmt.Sprintf("condition_layers.%d", i/third), x)
				for j := range add {
					all[first+token].x[j] += caStrength * add[j]
				}
			}
		}
		o.llamaBlock(fmt.Sprintf("layers.%d.", i), all)
	}
	return o.product("output.weight", o.rmsOf("norm.weight", all[first+next].x, 1e-5))
}

// captions are the rows of features of a text.
func (o named64) captions(features []float32) (out [][]float64) {
	for i := range len(features) / caCaption {
		out = append(out, o.twoLayers("cls_embedding.cap_proj", wide(features[i*caCaption:(i+1)*caCaption])))
	}
	return out
}

// TestControlAR draws greedily from classes and from texts, with a control and without, with
// guidance and without, and computes every token again in float64 from a whole pass. Controls
// are narrower and wider than texts. Requests draw the same alone and in company.
func TestControlAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, c := range []struct {
			text  bool
			width int
			name  string
		}{{false, caWidth, "controlar"}, {true, caWidth, "controlar-t2i"}, {true, 2 * caCaption, "controlar-t2i"}} {
			o := tinyControlAR(c.text, c.width)
			published := must(system.Detect(o))(t)
			s := must(published.Open([]byte(`{"n_head": 2, "block_size": 16, "control_strength": 0.6}`), o))(t)
			if missing := s.Params.Missing(o); published.Name != c.name || published.Described(s.Name).Name != c.name || len(missing) > 0 || s.Control != c.width {
				t.Fatalf("%s, described as %s, lacks %v", published.Name, published.Described(s.Name).Name, missing)
			}
			control := gputest.Normal(11, llSide*llSide*c.width)
			prompts := []system.Prompt{{Class: 1, Control: control, Guidance: 3}, {Class: 2, Control: control}, {Class: 1, Guidance: 3}, {Class: 0, Control: gputest.Normal(12, len(control)), Guidance: 2, Interval: 5}}
			if c.text {
				for i := range prompts {
					prompts[i].Class, prompts[i].Text = 0, gputest.Normal(uint64(20+i), (1+i)*caCaption)
				}
			}
			e := must(engine.New(dev, s, o, engine.Options{Slots: 8, Precision: nn.F32, Cache: nn.F32}))(t)
			var requests []engine.Request
			for i, p := range prompts {
				requests = append(requests, request(s, fmt.Sprint(i), p, 0))
			}
			for i, res := range together(t, e, requests) {
				o.checkSteered(t, prompts[i], c.width, res.Tokens)
			}
			e.Close()
			if c.text && c.width > caWidth {
				continue // as narrower ones
			}
			drawn := inCompany(t, dev, s, o, "c", prompts, 1, []engine.Options{{Slots: 8}, {Slots: 3, Pages: 3}})
			if slices.Equal(drawn[0], drawn[2]) {
				t.Error("a control changes nothing")
			}
			for _, n := range []int{0, 1, len(control) - c.width, len(control) + 1} {
				p := prompts[0]
				p.Control = make([]float32, n)
				if _, err := s.Schedule(p); !errors.Is(err, system.ErrPrompt) {
					t.Errorf("%d features of a control: %v", n, err)
				}
			}
		}
	})
}

func (o named64) checkSteered(t *testing.T, p system.Prompt, width int, tokens []uint32) {
	t.Helper()
	var own, none [][]float64
	if p.Text != nil {
		all, _ := o.Floats("cls_embedding.uncond_embedding")
		own, none = o.captions(p.Text), o.captions(all[len(all)-len(p.Text):])
	} else {
		own, none = [][]float64{o.row("cls_embedding.embedding_table.weight", p.Class, llWidth)}, [][]float64{o.row("cls_embedding.embedding_table.weight", llClasses, llWidth)}
	}
	if len(tokens) != llSide*llSide {
		t.Fatalf("%d tokens", len(tokens))
	}
	for i, token := range tokens {
		logits := o.steered(own, p.Control, width, i, tokens)
		if p.Guidance > 1 && !(p.Interval > 0 && i-1 > p.Interval) {
			logits = guided(o.steered(none, nil, width, i, tokens), logits, float64(p.Guidance))
		}
		checkLikeliest(t, fmt.Sprintf("token %d of %d rows", i, len(own)), logits, token)
	}
}

// TestControlARReleased opens the layouts that the authors' code makes at the released sizes:
// LlamaGen-XL for texts with either encoder, LlamaGen-L for classes.
func TestControlARReleased(t *testing.T) {
	for _, c := range []struct {
		name                   string
		dim, layers, hidden, d int
		text                   bool
	}{{"controlar-t2i", 1280, 36, 3584, 384, true}, {"controlar-t2i", 1280, 36, 3584, 768, true}, {"controlar", 1024, 24, 2816, 384, false}} {
		square := []int{c.dim, c.dim}
		s := shapes{
			"tok_embeddings.weight": {16384, c.dim}, "output.weight": {16384, c.dim}, "norm.weight": {c.dim}, "condition_embeddings.weight": {16384, c.dim},
			"adapter_mlp.fc1.weight": {c.dim, c.d}, "adapter_mlp.fc2.weight": square, "condition_mlp.cap_proj.fc1.weight": square, "condition_mlp.cap_proj.fc2.weight": square,
			"condition_mlp.uncond_embedding": {1024, c.dim}, "adapter.model.embeddings.cls_token": {1, 1, c.d}, "adapter.model.embeddings.patch_embeddings.projection.weight": {c.d, 3, 14, 14},
			"adapter.model.encoder.layer.0.norm1.weight": {c.d}, "adapter.model.layernorm.weight": {c.d},
		}
		for l := range 3 {
			s[fmt.Sprintf("condition_layers.%d.fc1.weight", l)], s[fmt.Sprintf("condition_layers.%d.fc2.weight", l)] = square, square
		}
		if c.text {
			s["cls_embedding.cap_proj.fc1.weight"], s["cls_embedding.cap_proj.fc2.weight"], s["cls_embedding.uncond_embedding"] = []int{c.dim, 2048}, square, []int{120, 2048}
		} else {
			s["cls_embedding.embedding_table.weight"], s["condition_norm.weight"] = []int{1001, c.dim}, []int{c.dim}
		}
		for i := range c.layers {
			b := fmt.Sprintf("layers.%d.", i)
			s[b+"attention_norm.weight"], s[b+"ffn_norm.weight"] = []int{c.dim}, []int{c.dim}
			s[b+"attention.wqkv.weight"], s[b+"attention.wo.weight"] = []int{3 * c.dim, c.dim}, square
			s[b+"feed_forward.w1.weight"], s[b+"feed_forward.w3.weight"], s[b+"feed_forward.w2.weight"] = []int{c.hidden, c.dim}, []int{c.hidden, c.dim}, []int{c.dim, c.hidden}
		}
		p := must(system.Detect(s))(t)
		sys := must(p.Open([]byte(`{"block_size": 1024}`), s))(t)
		if missing := sys.Params.Missing(s); p.Name != c.name || len(missing) > 0 || sys.Control != c.d {
			t.Errorf("%s lacks %v", p.Name, missing)
		}
		var text []float32
		if c.text {
			text = make([]float32, 20*2048)
		}
		runs := runsOf(t, sys, system.Prompt{Text: text, Control: make([]float32, 1024*c.d)})
		drawn := 0
		for _, r := range runs {
			drawn += r.Targets.N
		}
		if drawn != 1024 {
			t.Errorf("%s: %d tokens", c.name, drawn)
		}
	}
	o := tinyControlAR(false, caWidth)
	p := must(system.Detect(o))(t)
	for _, config := range []string{`{"n_head": 2, "n_layer": 4}`, `{"n_head": 2, "control_strength": 0}`, `{"n_head": 2, "control_strength": "a"}`} {
		if _, err := p.Open([]byte(config), o); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// wide are numbers in float64.
func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
