package systems_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// named64 are random weights of given shapes, and layers over them in float64.
type named64 struct {
	shapes
	made *sync.Map // []float32 by the name
}

// Floats returns numbers by the hash of the name: about as large as in a trained network.
func (o named64) Floats(name string) ([]float32, error) {
	if x, ok := o.made.Load(name); ok {
		return slices.Clone(x.([]float32)), nil
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	s := o.shapes[name]
	x := gputest.Normal(h.Sum64(), tensor.Elems(s))
	scale := 0.3
	if len(s) == 2 {
		scale = 1 / math.Sqrt(float64(s[1]))
	}
	for i := range x {
		x[i] *= float32(scale)
	}
	o.made.Store(name, x)
	return slices.Clone(x), nil
}

func (o named64) row(name string, i, width int) []float64 {
	x, _ := o.Floats(name) // has no errors
	out := make([]float64, width)
	for j := range out {
		out[j] = float64(x[i*width+j])
	}
	return out
}

func (o named64) linear(name string, x []float64) []float64 {
	return plus(o.row(name+".bias", 0, o.shapes[name+".bias"][0]), o.product(name+".weight", x))
}

// product is a linear map without a bias.
func (o named64) product(name string, x []float64) []float64 {
	w, _ := o.Floats(name)
	out := make([]float64, len(w)/len(x))
	for i := range out {
		for j, v := range x {
			out[i] += float64(w[i*len(x)+j]) * v
		}
	}
	return out
}

// attend is attention of a row's query to keys, by heads.
func attend(q []float64, keys, values [][]float64, heads int) []float64 {
	dh, out := len(q)/heads, make([]float64, len(q))
	for h := range heads {
		weights, total := make([]float64, len(keys)), 0.0
		for k := range keys {
			s := 0.0
			for c := h * dh; c < (h+1)*dh; c++ {
				s += q[c] * keys[k][c]
			}
			weights[k] = math.Exp(s / math.Sqrt(float64(dh)))
			total += weights[k]
		}
		for k := range keys {
			for c := h * dh; c < (h+1)*dh; c++ {
				out[c] += weights[k] / total * values[k][c]
			}
		}
	}
	return out
}

// checkLikeliest fails if a token is not the likeliest. Rounding may choose between two that
// are as likely.
func checkLikeliest(t *testing.T, what string, logits []float64, token uint32) {
	t.Helper()
	best := slices.Max(logits)
	if int(token) >= len(logits) || !(best-logits[token] <= 1e-4*(1+math.Abs(best))) {
		t.Errorf("%s is %d, want %d", what, token, slices.Index(logits, best))
	}
}

// unit brings x to mean 0 and variance 1.
func unit(x []float64) []float64 { return unitOf(x, 1e-6) }

func unitOf(x []float64, eps float64) []float64 {
	mean, variance := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = (v - mean) / math.Sqrt(variance+eps)
	}
	return out
}

func (o named64) norm(name string, x []float64) []float64 {
	out, gain, bias := unit(x), o.row(name+".weight", 0, len(x)), o.row(name+".bias", 0, len(x))
	for i := range out {
		out[i] = out[i]*gain[i] + bias[i]
	}
	return out
}

func plus(x, y []float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = x[i] + y[i]
	}
	return out
}

func each(x []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = f(v)
	}
	return out
}

func gelu(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 }
func geluTanh(x float64) float64 {
	return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
}
func silu(x float64) float64 { return x / (1 + math.Exp(-x)) }

// block is a block of a vision transformer. A row sees those whose step is not behind its
// own; without steps all see each other. With places queries and keys are turned.
func (o named64) block(name string, heads int, x [][]float64, steps []int, places [][3]int) {
	n, d := len(x), len(x[0])
	q, k, v := make([][]float64, n), make([][]float64, n), make([][]float64, n)
	for i := range x {
		qkv := o.linear(name+"attn.qkv", o.norm(name+"norm1", x[i]))
		q[i], k[i], v[i] = qkv[:d], qkv[d:2*d], qkv[2*d:]
		if places != nil {
			turn(q[i], d/heads, places[i])
			turn(k[i], d/heads, places[i])
		}
	}
	for i := range x {
		keys, values := k, v
		if steps != nil {
			keys, values = nil, nil
			for j, step := range steps {
				if step <= steps[i] {
					keys, values = append(keys, k[j]), append(values, v[j])
				}
			}
		}
		x[i] = plus(x[i], o.linear(name+"attn.proj", attend(q[i], keys, values, heads)))
		x[i] = plus(x[i], o.linear(name+"mlp.fc2", each(o.linear(name+"mlp.fc1", o.norm(name+"norm2", x[i])), gelu)))
	}
}

// turn rotates heads of queries and keys by a place: of six pairs, two an axis.
func turn(x []float64, dh int, place [3]int) {
	for h := 0; h < len(x); h += dh {
		for j := range dh / 2 {
			angle := float64(place[j/2]) * math.Pow(10000, -float64(j%2)/2)
			sin, cos := math.Sincos(angle)
			a, b := x[h+2*j], x[h+2*j+1]
			x[h+2*j], x[h+2*j+1] = a*cos-b*sin, a*sin+b*cos
		}
	}
}

// The sizes of a tiny EAR.
const (
	earSide, earBuffer, earWidth, earHeads, earToken, earNoise, earHead = 3, 2, 12, 2, 6, 10, 16
	earCells                                                            = earSide * earSide
)

func tinyEAR() named64 {
	s := shapes{
		"class_emb.weight": {4, earWidth}, "fake_latent": {1, earWidth}, "mask_token": {1, 1, earWidth}, "decoder_pos_embed_learned": {1, earBuffer + earCells, earWidth},
	}
	s.linear("z_proj", earWidth, earToken)
	for i := range 2 {
		s.vit(fmt.Sprintf("decoder_blocks.%d.", i), earWidth, 2*earWidth)
	}
	s.layerNorm("decoder_norm", earWidth)
	const net = "scoreloss.net."
	s.linear(net+"noise_embed", earHead, earNoise)
	s.linear(net+"input_proj", earHead, earWidth)
	s.adaptive(net, earHead, 2, earToken)
	return named64{s, &sync.Map{}}
}

// hidden are the hidden states of all positions, with a class's row of the table and the
// known tokens.
func (o named64) hidden(table string, row int, known map[int][]float64) [][]float64 {
	var x [][]float64
	for i := range earBuffer + earCells {
		h := o.row("mask_token", 0, earWidth)
		if p := i - earBuffer; p < 0 {
			h = o.row(table, row, earWidth)
		} else if known[p] != nil {
			h = o.linear("z_proj", known[p])
		}
		x = append(x, plus(h, o.row("decoder_pos_embed_learned", i, earWidth)))
	}
	for i := range 2 {
		o.block(fmt.Sprintf("decoder_blocks.%d.", i), earHeads, x, nil, nil)
	}
	for i := range x {
		x[i] = o.norm("decoder_norm", x[i])
	}
	return x[earBuffer:]
}

// token makes a token out of a hidden state and noise.
func (o named64) token(z, noise []float64, heat float64) []float64 {
	const net = "scoreloss.net."
	return o.adaptive(net, o.linear(net+"input_proj", z), each(o.linear(net+"noise_embed", noise), silu), heat)
}

// adaptive are the two blocks of a head, which are told y, and the way out.
func (o named64) adaptive(net string, x, y []float64, heat float64) []float64 {
	w := len(x)
	for i := range 2 {
		b := fmt.Sprintf("%sres_blocks.%d.", net, i)
		mod, h := o.linear(b+"adaLN_modulation.1", y), o.norm(b+"in_ln", x)
		for j := range h {
			h[j] = h[j]*(1+mod[w+j]) + heat*mod[j]
		}
		h = o.linear(b+"mlp.2", each(o.linear(b+"mlp.0", h), silu))
		for j := range x {
			x[j] += mod[2*w+j] * h[j]
		}
	}
	mod, h := o.linear(net+"final_layer.adaLN_modulation.1", y), unit(x)
	for j := range h {
		h[j] = h[j]*(1+mod[w+j]) + mod[j]
	}
	return o.linear(net+"final_layer.linear", h)
}

// drawn is the token of a position of request "a", from its hidden states in both branches.
func (o named64) drawn(c, u []float64, at int32, scale float64, heat float32) []float64 {
	key, counter := streamOf("a")
	z := make([]float64, len(c))
	for j := range z {
		z[j] = u[j] + scale*(c[j]-u[j])
	}
	var noise []float64
	for b := uint32(0); len(noise) < earNoise; b++ {
		for _, w := range sample.Philox([4]uint32{b, uint32(at), counter, 256}, key) {
			noise = append(noise, (float64(w>>8)+0.5)/(1<<24)-0.5)
		}
	}
	return o.token(z, noise[:earNoise], float64(heat))
}

// streamOf is what a request of an id draws its random numbers by.
func streamOf(id string) (key [2]uint32, counter uint32) {
	h := fnv.New64a()
	h.Write([]byte(id))
	return sample.Stream(1, h.Sum64())
}

// normal64 is the normal noise of a position of request "a" at the start or in a pass.
func normal64(at int32, pass uint32, n int) (x []float64) {
	key, counter := streamOf("a")
	for b := uint32(0); len(x) < n; b++ {
		w := sample.Philox([4]uint32{b, uint32(at), counter, 256 + pass}, key)
		for i := range 2 {
			u, v := (float64(w[2*i]>>8)+0.5)/(1<<24), (float64(w[2*i+1]>>8)+0.5)/(1<<24)
			sin, cos := math.Sincos(2 * math.Pi * v)
			r := math.Sqrt(-2 * math.Log(u))
			x = append(x, r*cos, r*sin)
		}
	}
	return x[:n]
}

// TestRewrites predicts the first set once more: its tokens are those that all others give,
// and the others stay as they were, to the bit.
func TestRewrites(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o, heat := tinyEAR(), float32(0.7)
		p := system.Prompt{Class: 2, Steps: 4, Order: []int32{4, 0, 8, 2, 6, 1, 7, 3, 5}, Guidance: 2.5}
		numbers := func(rewrites int) ([]float32, []system.Run) {
			s := must(must(system.Detect(o))(t).Open(fmt.Appendf(nil, `{"decoder_num_heads": 2, "buffer_size": 2, "rewrites": %d}`, rewrites), o))(t)
			e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
			defer e.Close()
			res := must(e.Generate(context.Background(), request(s, "a", p, heat)))(t)
			if res.Steps != 4+rewrites {
				t.Errorf("%d steps with %d rewrites", res.Steps, rewrites)
			}
			return res.Numbers(), runsOf(t, s, p)
		}
		before, _ := numbers(0)
		after, runs := numbers(1)
		last := runs[len(runs)-1].Targets
		if !slices.Equal(last.At, runs[0].Targets.At) {
			t.Fatalf("%v are rewritten, want %v", last.At, runs[0].Targets.At)
		}
		known := map[int][]float64{}
		for at := range earCells {
			if slices.Contains(last.At, int32(at)) {
				continue
			}
			known[at] = make([]float64, earToken)
			for j := range earToken {
				known[at][j] = float64(after[at*earToken+j])
				if i := at*earToken + j; after[i] != before[i] {
					t.Fatalf("number %d of position %d was %g and is %g", j, at, before[i], after[i])
				}
			}
		}
		c, u := o.hidden("class_emb.weight", p.Class, known), o.hidden("fake_latent", 0, known)
		changed := false
		for i, at := range last.At {
			for j, want := range o.drawn(c[at], u[at], at, float64(last.Scale[i]), heat) {
				x := after[int(at)*earToken+j]
				if d := math.Abs(float64(x) - want); !(d <= 2e-5*(1+math.Abs(want))) {
					t.Errorf("number %d of position %d is %g, want %g", j, at, x, want)
				}
				changed = changed || x != before[int(at)*earToken+j]
			}
		}
		if !changed {
			t.Error("nothing is rewritten")
		}
	})
}

// TestEAR draws pictures with a tiny EAR, and computes every set again in float64 from the
// tokens that were known: network, guidance by its ramp, noise and temperature.
func TestEAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyEAR()
		published := must(system.Detect(o))(t)
		s := must(published.Open([]byte(`{"decoder_num_heads": 2, "buffer_size": 2}`), o))(t)
		if published.Name != "ear" || len(s.Params.Missing(o)) > 0 {
			t.Fatalf("%s lacks %v", published.Name, s.Params.Missing(o))
		}
		e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
		defer e.Close()
		order := []int32{4, 0, 8, 2, 6, 1, 7, 3, 5}
		for _, p := range []system.Prompt{{Class: 2, Steps: 4, Order: order, Guidance: 2.5}, {Class: -1, Steps: 3, Order: order, Guidance: 1}} {
			const heat = float32(0.7)
			r := request(s, "a", p, heat)
			got := must(e.Generate(context.Background(), r))(t)
			numbers := got.Numbers()
			known := map[int][]float64{}
			for _, run := range runsOf(t, s, p) {
				table, row := "class_emb.weight", p.Class
				if row < 0 {
					table, row = "fake_latent", 0
				}
				c, u := o.hidden(table, row, known), o.hidden("fake_latent", 0, known)
				set := map[int][]float64{}
				for i, at := range run.Targets.At {
					scale := 1.0
					if p.Guidance > 1 {
						scale = float64(run.Targets.Scale[i])
					}
					want := o.drawn(c[at], u[at], at, scale, heat)
					set[int(at)] = make([]float64, earToken)
					for j := range want {
						x := numbers[int(at)*earToken+j]
						if d := math.Abs(float64(x) - want[j]); !(d <= 2e-5*(1+math.Abs(want[j]))) {
							t.Errorf("class %d: number %d of position %d is %g, want %g", p.Class, j, at, x, want[j])
						}
						set[int(at)][j] = float64(x)
					}
				}
				for at, x := range set {
					known[at] = x
				}
			}
			if len(known) != earCells {
				t.Errorf("%d positions were predicted", len(known))
			}
		}
		if _, err := s.Schedule(system.Prompt{Inner: [2]int{4, 4}}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("passes of a head that has none: %v", err)
		}
	})
}

// TestFAR opens MAR's network with a shortcut head. It draws in as few passes as it is
// asked for.
func TestFAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := open(t, "mar")
		w := far{nn.File(g.weights)}
		published := must(system.Detect(w))(t)
		s := must(published.Open([]byte(`{"patch_size": 2, "encoder_num_heads": 4, "decoder_num_heads": 3}`), w))(t)
		if len(s.Params.Missing(w)) > 0 {
			t.Fatalf("%v are missing", s.Params.Missing(w))
		}
		e := must(engine.New(dev, s, w, engine.Options{Slots: 2, Precision: nn.F32}))(t)
		defer e.Close()
		seen := map[uint32]bool{}
		for _, n := range []int{0, 1, 2, 8} {
			p := system.Prompt{Class: 3, Steps: 4, Guidance: 2, Inner: [2]int{n, n}}
			passes := 0
			for _, r := range runsOf(t, s, p) {
				if r.GroupTargets > 0 {
					passes += int(r.Targets.Passes[1] - r.Targets.Passes[0])
				}
			}
			want := 4 * n
			if n == 0 {
				want = 32
			}
			if passes != want {
				t.Errorf("%d passes, want %d", passes, want)
			}
			res := must(e.Generate(context.Background(), request(s, "a", p, 1)))(t)
			for _, x := range res.Numbers() {
				if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
					t.Fatalf("%d passes draw %g", n, x)
				}
			}
			if n != 0 && seen[res.Tokens[0]] != (n == 8) { // 8 are the default
				t.Errorf("%d passes draw %v", n, res.Tokens[0])
			}
			seen[res.Tokens[0]] = true
		}
	})
}

// far are the weights of a MAR with a head that says velocities, and is told lengths.
type far struct{ nn.Weights }

func (f far) Shape(name string) ([]int, bool) {
	switch name {
	case "diffloss.net.step_embed.mlp.0.weight":
		return f.Weights.Shape("diffloss.net.time_embed.mlp.0.weight")
	case "diffloss.net.step_embed.mlp.2.weight":
		return f.Weights.Shape("diffloss.net.time_embed.mlp.2.weight")
	case "diffloss.net.step_embed.mlp.0.bias", "diffloss.net.step_embed.mlp.2.bias":
		return f.Weights.Shape("diffloss.net.time_embed.mlp.0.bias")
	case "diffloss.net.final_layer.linear.weight", "diffloss.net.final_layer.linear.bias":
		s, ok := f.Weights.Shape(name)
		return append([]int{s[0] / 2}, s[1:]...), ok
	}
	return f.Weights.Shape(name)
}

func (f far) Floats(name string) ([]float32, error) {
	s, ok := f.Shape(name)
	x, err := f.Weights.Floats(name)
	if ok && err != nil { // of the length: as of the time, but not the same
		x = gputest.Normal(uint64(len(name)), tensor.Elems(s))
		for i := range x {
			x[i] /= float32(s[len(s)-1])
		}
		return x, nil
	}
	return x[:min(len(x), tensor.Elems(s))], err
}
