package systems_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// The sizes of a tiny block diffusion: pictures of 3x3 tokens behind a class.
const bdWidth, bdHeads, bdHidden, bdTold, bdValues, bdClasses, bdCells, bdDepth = 16, 2, 24, 8, 64, 3, 9, 2

func tinyBlockDiffusion() named64 {
	const rows = bdValues + bdClasses + 2
	s := shapes{"backbone.vocab_embed.embedding": {rows, bdWidth}, "backbone.output_layer.norm_final.weight": {bdWidth}}
	s.linear("backbone.sigma_map.mlp.0", bdTold, 256)
	s.linear("backbone.sigma_map.mlp.2", bdTold, bdTold)
	for i := range bdDepth {
		b := fmt.Sprintf("backbone.blocks.%d.", i)
		s[b+"norm1.weight"], s[b+"norm2.weight"] = []int{bdWidth}, []int{bdWidth}
		s[b+"attn_qkv.weight"], s[b+"attn_out.weight"] = []int{3 * bdWidth, bdWidth}, []int{bdWidth, bdWidth}
		s.linear(b+"mlp.0", bdHidden, bdWidth)
		s.linear(b+"mlp.2", bdWidth, bdHidden)
		s.linear(b+"adaLN_modulation", 6*bdWidth, bdTold)
	}
	s.linear("backbone.output_layer.adaLN_modulation", 2*bdWidth, bdTold)
	s.linear("backbone.output_layer.linear", rows, bdWidth)
	return named64{s, &sync.Map{}}
}

// shifted is LN(x)·gain·(1 + scale) + shift, by parts of m.
func (o named64) shifted(name string, x, m []float64, shift, scale int) []float64 {
	out, gain, d := unitOf(x, 1e-5), o.row(name+".weight", 0, len(x)), len(x)
	for i := range out {
		out[i] = out[i]*gain[i]*(1+m[scale*d+i]) + m[shift*d+i]
	}
	return out
}

// halves turns pairs (j, j + dh/2) of a head by a number.
func halves(x []float64, heads, at int) {
	dh := len(x) / heads
	for h := range heads {
		for j := range dh / 2 {
			sin, cos := math.Sincos(float64(at) * math.Pow(10000, -2*float64(j)/float64(dh)))
			a, b := x[h*dh+j], x[h*dh+dh/2+j]
			x[h*dh+j], x[h*dh+dh/2+j] = a*cos-b*sin, b*cos+a*sin
		}
	}
}

// fill are the logits of a block's rows, [lo, hi), where ids are tokens, masks and the class.
func (o named64) fill(ids []int, size, lo int) (logits [][]float64) {
	waves := make([]float64, 256)
	for i := range 128 {
		waves[i] = 1
	}
	told := each(o.linear("backbone.sigma_map.mlp.2", each(o.linear("backbone.sigma_map.mlp.0", waves), silu)), silu)
	var x [][]float64
	for _, id := range ids {
		x = append(x, o.row("backbone.vocab_embed.embedding", id, bdWidth))
	}
	for i := range bdDepth {
		b := fmt.Sprintf("backbone.blocks.%d.", i)
		m := o.linear(b+"adaLN_modulation", told)
		var q, k, v [][]float64
		for j := range x {
			qkv := o.product(b+"attn_qkv.weight", o.shifted(b+"norm1", x[j], m, 0, 1))
			halves(qkv[:bdWidth], bdHeads, j)
			halves(qkv[bdWidth:2*bdWidth], bdHeads, j)
			q, k, v = append(q, qkv[:bdWidth]), append(k, qkv[bdWidth:2*bdWidth]), append(v, qkv[2*bdWidth:])
		}
		for j := range x {
			end := min((j/size+1)*size, len(x))
			for c, y := range o.product(b+"attn_out.weight", attend(q[j], k[:end], v[:end], bdHeads)) {
				x[j][c] += m[2*bdWidth+c] * y
			}
			u := each(o.linear(b+"mlp.0", o.shifted(b+"norm2", x[j], m, 3, 4)), geluTanh)
			for c, y := range o.linear(b+"mlp.2", u) {
				x[j][c] += m[5*bdWidth+c] * y
			}
		}
	}
	m := o.linear("backbone.output_layer.adaLN_modulation", told)
	for _, r := range x[lo:] {
		logits = append(logits, o.linear("backbone.output_layer.linear", o.shifted("backbone.output_layer.norm_final", r, m, 0, 1)))
	}
	return logits
}

// TestBlockDiffusion draws greedily, and computes every step again in float64 from the tokens
// that were known: the whole network, which rows see which, guidance.
func TestBlockDiffusion(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyBlockDiffusion()
		published := must(system.Detect(o))(t)
		if published.Name != "block-diffusion" {
			t.Fatalf("it is taken for %s", published.Name)
		}
		for _, c := range []struct{ size, steps, passes int }{{5, 0, 9}, {4, 2, 6}} {
			s := must(published.Open(fmt.Appendf(nil, `{"n_heads": 2, "block_size": %d, "model_length": 10, "num_classes": 3}`, c.size), o))(t)
			if missing := s.Params.Missing(o); len(missing) > 0 {
				t.Fatalf("%v are missing", missing)
			}
			if s.Grid != [3]int{1, 3, 3} || s.Token.Values != bdValues {
				t.Fatalf("a grid of %v, %d values", s.Grid, s.Token.Values)
			}
			e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
			order := []int32{4, 0, 8, 2, 6, 1, 7, 3, 5}
			for _, p := range []system.Prompt{{Class: 1, Guidance: 2, Steps: c.steps, Order: order}, {Class: -1, Steps: c.steps, Order: order}} {
				res := must(e.Generate(context.Background(), request(s, "a", p, 0)))(t)
				if res.Steps != c.passes {
					t.Errorf("blocks of %d: %d steps, want %d", c.size, res.Steps, c.passes)
				}
				o.checkBlocks(t, s, p, res.Tokens, c.size)
			}
			e.Close()
		}
	})
}

// TestBlockDiffusionCommits ends blocks as soon as the network is sure enough: never, which
// gives the tokens of one a step, and at once, which takes a step a block.
func TestBlockDiffusionCommits(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyBlockDiffusion()
		var plain []engine.Result
		for _, c := range []struct {
			key   string
			steps int
		}{{"", 9}, {`, "commit": [1e9, 1e9, 1e9]`, 9}, {`, "commit": [0, 0, 0]`, 2}} {
			s := must(must(system.Detect(o))(t).Open(fmt.Appendf(nil, `{"n_heads": 2, "block_size": 5, "model_length": 10, "num_classes": 3%s}`, c.key), o))(t)
			e := must(engine.New(dev, s, o, engine.Options{Slots: 2}))(t)
			var rs []engine.Request
			for i := range 3 {
				rs = append(rs, request(s, fmt.Sprint("b", i), system.Prompt{Class: i}, float32(i%2)))
			}
			got := together(t, e, rs)
			e.Close()
			if plain == nil {
				plain = got
			}
			for i := range got {
				if got[i].Steps != c.steps || c.steps == 9 && !slices.Equal(got[i].Tokens, plain[i].Tokens) {
					t.Errorf("%s, request %d: %d steps draw %v; without %v", c.key, i, got[i].Steps, got[i].Tokens, plain[i].Tokens)
				}
			}
		}
	})
}

// checkBlocks compares tokens with the likeliest of every step.
func (o named64) checkBlocks(t *testing.T, s *system.System, p system.Prompt, tokens []uint32, size int) {
	t.Helper()
	const none, mask = bdValues + bdClasses, bdValues + bdClasses + 1
	ids := slices.Repeat([]int{mask}, bdCells+1)
	for _, r := range runsOf(t, s, p) {
		for step := range r.Steps() {
			set := r.Targets.At[step*r.GroupTargets : (step+1)*r.GroupTargets]
			lo := (int(set[0]) + 1) / size * size
			says := func(class int) [][]float64 {
				ids[0] = class
				return o.fill(ids[:min(lo+size, len(ids))], size, lo)
			}
			logits := says(none)
			if p.Class >= 0 {
				for i, c := range says(bdValues + p.Class) {
					guided(logits[i], c, float64(p.Guidance))
				}
			}
			for _, at := range set {
				checkLikeliest(t, fmt.Sprintf("position %d in blocks of %d", at, size), logits[int(at)+1-lo][:bdValues], tokens[at])
			}
			for _, at := range set {
				ids[at+1] = int(tokens[at])
			}
		}
	}
}
