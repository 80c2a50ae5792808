package systems_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// The sizes of a tiny Hi-MAR: pivots of 2x2 and a picture of 4x4 tokens.
const (
	hiSmall, hiLarge, hiBuffer, hiWidth, hiHeads, hiHidden, hiToken, hiClasses = 4, 16, 2, 12, 2, 20, 16, 3
	hiCells                                                                    = hiSmall + hiLarge
	hiLocal, hiGlobal, hiGlobalHeads, hiDepth                                  = 12, 16, 2, 2
	hiDescription                                                              = `{"encoder_num_heads": 2, "decoder_num_heads": 2, "head": 2, "num_sampling_steps": "ddim4", "global_sampling_steps": "ddim5", "num_iter": 3, "re_cfg": 3.5, "patch_size": 2}`
)

func tinyHiMAR() named64 {
	s := shapes{
		"class_emb.weight": {hiClasses, hiWidth}, "fake_latent": {1, hiWidth}, "cond_tokens": {1, hiSmall, hiToken}, "mask_token": {1, 2 * hiCells, hiWidth},
		"encoder_pos_embed_learned": {1, 2 * (hiCells + hiBuffer), hiWidth}, "decoder_pos_embed_learned": {1, 2 * (hiCells + hiBuffer), hiWidth},
		"diffusion_pos_embed_learned": {1, hiCells, hiWidth}, "cond_diffloss.net.pos_embed": {1, hiLarge, hiGlobal}, "cond_diffloss.net.c_pos_embed": {1, hiLarge, hiGlobal},
	}
	s.linear("z_proj", hiWidth, hiToken)
	s.linear("cond_proj", hiWidth, hiToken)
	s.linear("cond_z_proj", hiWidth, hiWidth)
	s.linear("decoder_embed", hiWidth, hiWidth)
	s.layerNorm("z_proj_ln", hiWidth)
	for _, part := range []string{"encoder", "decoder"} {
		s[part+"_task_emb.weight"] = []int{2, hiWidth}
		s.linear(part+"_blocks_ada.1", 4*hiWidth, hiWidth)
		s.layerNorm(part+"_norm", hiWidth)
		for i := range hiDepth {
			b := fmt.Sprintf("%s_blocks.%d.", part, i)
			s.vit(b, hiWidth, hiHidden)
			s[b+"adaLN_scale"], s[b+"adaLN_shift"] = []int{2, 1, 1, 4 * hiWidth}, []int{2, 1, 1, 4 * hiWidth}
		}
	}
	s.linear("diffloss.net.time_embed.mlp.0", hiLocal, 256)
	s.linear("diffloss.net.time_embed.mlp.2", hiLocal, hiLocal)
	s.linear("diffloss.net.cond_embed", hiLocal, hiWidth)
	s.linear("diffloss.net.input_proj", hiLocal, hiToken)
	s.adaptive("diffloss.net.", hiLocal, 1, 2*hiToken)
	const net = "cond_diffloss.net."
	s.linear(net+"x_embedder.proj", hiGlobal, hiToken)
	s.linear(net+"c_embedder.proj", hiGlobal, hiWidth)
	s.linear(net+"t_embedder.mlp.0", hiGlobal, 256)
	s.linear(net+"t_embedder.mlp.2", hiGlobal, hiGlobal)
	for i := range hiDepth {
		b := fmt.Sprintf("%sblocks.%d.", net, i)
		s.linear(b+"attn.qkv", 3*hiGlobal, hiGlobal)
		s.linear(b+"attn.proj", hiGlobal, hiGlobal)
		s.linear(b+"mlp.fc1", hiHidden, hiGlobal)
		s.linear(b+"mlp.fc2", hiGlobal, hiHidden)
		s.linear(b+"adaLN_modulation.1", 6*hiGlobal, hiGlobal)
	}
	s.linear(net+"final_layer.adaLN_modulation.1", 2*hiGlobal, hiGlobal)
	s.linear(net+"final_layer.linear", hiToken, hiGlobal)
	return named64{s, &sync.Map{}}
}

// modulate is x·(1 + scale) + shift; a nil shift is 0.
func modulate(x, scale, shift []float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = x[i] * (1 + scale[i])
		if shift != nil {
			out[i] += shift[i]
		}
	}
	return out
}

// all attends rows to all of them, by a map of queries, keys and values.
func (o named64) all(qkv string, heads int, x [][]float64) (out [][]float64) {
	var q, k, v [][]float64
	d := len(x[0])
	for i := range x {
		y := o.linear(qkv, x[i])
		q, k, v = append(q, y[:d]), append(k, y[d:2*d]), append(v, y[2*d:])
	}
	for i := range x {
		out = append(out, attend(q[i], k, v, heads))
	}
	return out
}

func gate(x, gate, y []float64) {
	for i := range x {
		x[i] += gate[i] * y[i]
	}
}

// told are the blocks of a part, for one of the pictures, and the norm behind them.
func (o named64) toldBlocks(part string, picture int, x [][]float64) (out [][]float64) {
	const d = hiWidth
	told := o.linear(part+"_blocks_ada.1", each(o.row(part+"_task_emb.weight", picture, d), silu))
	for i := range hiDepth {
		b := fmt.Sprintf("%s_blocks.%d.", part, i)
		m, scale := o.row(b+"adaLN_shift", picture, 4*d), o.row(b+"adaLN_scale", picture, 4*d)
		gate(m, scale, told)
		var h [][]float64
		for j := range x {
			h = append(h, modulate(o.norm(b+"norm1", x[j]), m[:d], nil))
		}
		for j, y := range o.all(b+"attn.qkv", hiHeads, h) {
			gate(x[j], m[d:2*d], o.linear(b+"attn.proj", y))
			u := each(o.linear(b+"mlp.fc1", modulate(o.norm(b+"norm2", x[j]), m[2*d:3*d], nil)), gelu)
			gate(x[j], m[3*d:], o.linear(b+"mlp.fc2", u))
		}
	}
	for _, r := range x {
		out = append(out, o.norm(part+"_norm", r))
	}
	return out
}

// states are the hidden states of all cells of both pictures. Known has what is read of a cell,
// before its place is added.
func (o named64) states(table string, class, picture int, known map[int][]float64) [][]float64 {
	const rows = hiBuffer + hiCells
	var x [][]float64
	var at []int
	for i := range rows {
		h := known[i-hiBuffer]
		if i < hiBuffer {
			h = o.row(table, class, hiWidth)
		}
		if h != nil {
			x, at = append(x, o.norm("z_proj_ln", plus(h, o.row("encoder_pos_embed_learned", picture*rows+i, hiWidth)))), append(at, i)
		}
	}
	x = o.toldBlocks("encoder", picture, x)
	all := make([][]float64, rows)
	for i := range all {
		if i >= hiBuffer {
			all[i] = o.row("mask_token", picture*hiCells+i-hiBuffer, hiWidth)
		}
	}
	for i, row := range at {
		all[row] = o.linear("decoder_embed", x[i])
	}
	for i := range all {
		all[i] = plus(all[i], o.row("decoder_pos_embed_learned", picture*rows+i, hiWidth))
	}
	all = o.toldBlocks("decoder", picture, all)[hiBuffer:]
	for i := range all {
		all[i] = plus(all[i], o.row("diffusion_pos_embed_learned", i, hiWidth))
	}
	return all
}

func waves64(t float64) []float64 {
	out := make([]float64, 256)
	for i := range 128 {
		out[128+i], out[i] = math.Sincos(t * math.Pow(10000, -float64(i)/128))
	}
	return out
}

// local is what the small network says of a token.
func (o named64) local(x, z []float64, time float64) []float64 {
	const net, w = "diffloss.net.", hiLocal
	t := o.linear(net+"time_embed.mlp.2", each(o.linear(net+"time_embed.mlp.0", waves64(time)), silu))
	y, h := each(plus(t, o.linear(net+"cond_embed", z)), silu), o.linear(net+"input_proj", x)
	m := o.linear(net+"res_blocks.0.adaLN_modulation.1", y)
	u := modulate(o.norm(net+"res_blocks.0.in_ln", h), m[w:2*w], m[:w])
	gate(h, m[2*w:], o.linear(net+"res_blocks.0.mlp.2", each(o.linear(net+"res_blocks.0.mlp.0", u), silu)))
	m = o.linear(net+"final_layer.adaLN_modulation.1", y)
	return o.linear(net+"final_layer.linear", modulate(unit(h), m[w:], m[:w]))
}

// global is what the large network says of all tokens.
func (o named64) global(x, z [][]float64, time float64) (out [][]float64) {
	const net, w = "cond_diffloss.net.", hiGlobal
	t := o.linear(net+"t_embedder.mlp.2", each(o.linear(net+"t_embedder.mlp.0", waves64(time)), silu))
	var h, y [][]float64
	for i := range x {
		h, y = append(h, plus(o.linear(net+"x_embedder.proj", x[i]), o.row(net+"pos_embed", i, w))), append(y, each(plus(t, o.linear(net+"c_embedder.proj", z[i])), silu))
	}
	for b := range hiDepth {
		name := fmt.Sprintf("%sblocks.%d.", net, b)
		var m, u [][]float64
		for i := range h {
			m = append(m, o.linear(name+"adaLN_modulation.1", y[i]))
			u = append(u, modulate(unit(h[i]), m[i][w:2*w], m[i][:w]))
		}
		for i, v := range o.all(name+"attn.qkv", hiGlobalHeads, u) {
			gate(h[i], m[i][2*w:3*w], o.linear(name+"attn.proj", v))
			v = each(o.linear(name+"mlp.fc1", modulate(unit(h[i]), m[i][4*w:5*w], m[i][3*w:4*w])), geluTanh)
			gate(h[i], m[i][5*w:], o.linear(name+"mlp.fc2", v))
		}
	}
	for i := range h {
		m := o.linear(net+"final_layer.adaLN_modulation.1", y[i])
		out = append(out, o.linear(net+"final_layer.linear", modulate(unit(h[i]), m[w:], m[:w])))
	}
	return out
}

// pixelNoise are the normal numbers of a pass of a position of request "a"; 0 is the start.
func pixelNoise(at int32, pass, n int) (x []float64) {
	h := fnv.New64a()
	h.Write([]byte("a"))
	key, counter := sample.Stream(1, h.Sum64())
	for b := uint32(0); len(x) < n; b++ {
		w := sample.Philox([4]uint32{b, uint32(at), counter, 256 + uint32(pass)}, key)
		for i := range 2 {
			u, v := (float64(w[2*i]>>8)+0.5)/(1<<24), (float64(w[2*i+1]>>8)+0.5)/(1<<24)
			sin, cos := math.Sincos(2 * math.Pi * v)
			r := math.Sqrt(-2 * math.Log(u))
			x = append(x, r*cos, r*sin)
		}
	}
	return x[:n]
}

// denoised draws tokens of positions by what a network says of all of them, in either branch.
func denoised(at []int32, s head.Schedule, scale, heat float64, says func(x [][]float64, time float64, conditional bool) [][]float64) (x [][]float64) {
	for _, p := range at {
		x = append(x, pixelNoise(p, 0, hiToken))
	}
	for k, pass := range s.Passes {
		c := says(x, float64(s.Times[k]), true)
		u := c
		if scale > 1 {
			u = says(x, float64(s.Times[k]), false)
		}
		for i, p := range at {
			z := pixelNoise(p, k+1, hiToken)
			for j := range x[i] {
				v := pass.LogMin
				if len(c[i]) > hiToken {
					v += (pass.LogMax - pass.LogMin) * (c[i][hiToken+j] + 1) / 2
				}
				e := u[i][j] + scale*(c[i][j]-u[i][j])
				x[i][j] = pass.Keep*x[i][j] + pass.Move*e + pass.Noise*heat*math.Exp(v/2)*z[j]
			}
		}
	}
	return x
}

// TestHiMAR draws pictures, and computes every set of both again in float64 from the tokens that
// were known: the network, which states stand for pivots, both heads and their noise, guidance.
func TestHiMAR(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		o := tinyHiMAR()
		published := must(system.Detect(o))(t)
		s := must(published.Open([]byte(hiDescription), o))(t)
		if missing := s.Params.Missing(o); published.Name != "hi-mar" || len(missing) > 0 {
			t.Fatalf("%s lacks %v", published.Name, missing)
		}
		e := must(engine.New(dev, s, o, engine.Options{Slots: 2, Precision: nn.F32, Cache: nn.F32}))(t)
		defer e.Close()
		order := []int32{4, 0, 18, 8, 12, 2, 6, 15, 16, 1, 7, 19, 9, 11, 13, 3, 17, 10, 14, 5}
		for _, p := range []system.Prompt{{Class: 1, Guidance: 2, Order: order}, {Class: -1, Order: order, Steps: 2}} {
			res := must(e.Generate(context.Background(), request(s, "a", p, 0.8)))(t)
			sets := hiSmall + 3
			if p.Steps > 0 {
				sets = hiSmall + p.Steps
			}
			if res.Steps != sets {
				t.Errorf("%d steps for %d sets", res.Steps, sets)
			}
			off := o.checkHiMAR(t, s, p, res.Numbers())
			t.Logf("class %d: numbers are off by %.1e", p.Class, off)
			if !(off < bound) {
				t.Errorf("class %d: numbers are off by %.1e", p.Class, off)
			}
		}
	})
}

// checkHiMAR returns how far numbers are from those that the tokens before them give.
func (o named64) checkHiMAR(t *testing.T, s *system.System, p system.Prompt, numbers []float32) (worst float64) {
	t.Helper()
	betas := head.CosineBetas(1000)
	small, large := head.Ancestral(betas, must(head.Spacing(1000, "ddim4"))(t)), head.FixedLarge(betas, must(head.Spacing(1000, "ddim5"))(t))
	number := func(at int32) (x []float64) {
		for _, v := range numbers[int(at)*hiToken:][:hiToken] {
			x = append(x, float64(v))
		}
		return x
	}
	known, kept := map[int][]float64{}, map[int][]float64{} // of cells of the small and then of the large picture
	for _, run := range runsOf(t, s, p) {
		if run.Targets.N == 0 {
			continue // what it reads is known here
		}
		picture := run.Stage / 2
		none := o.states("fake_latent", 0, picture, known)
		said := none
		if p.Class >= 0 {
			said = o.states("class_emb.weight", p.Class, picture, known)
		}
		var c, u [][]float64 // of the targets
		for _, from := range run.Targets.From {
			c, u = append(c, said[from-hiBuffer]), append(u, none[from-hiBuffer])
		}
		says := func(x [][]float64, time float64, conditional bool) (out [][]float64) {
			z := u
			if conditional {
				z = c
			}
			if picture == 1 {
				return o.global(x, z, time)
			}
			for i := range x {
				out = append(out, o.local(x[i], z[i], time))
			}
			return out
		}
		scale, schedule := 1.0, small
		if picture == 1 {
			schedule = large
		}
		if p.Guidance > 1 {
			scale = float64(run.Targets.Scale[0])
		}
		for i, want := range denoised(run.Targets.At, schedule, scale, float64(float32(0.8)), says) {
			at := run.Targets.At[i]
			for j, x := range number(at) {
				worst = max(worst, math.Abs(x-want[j])/(1+math.Abs(want[j])))
			}
			switch from := int(run.Targets.From[i]) - hiBuffer; {
			case picture == 0:
				known[from], kept[from] = o.linear("cond_proj", number(at)), o.linear("cond_z_proj", c[i])
			case at < hiLarge:
				known[from] = o.linear("z_proj", number(at))
			}
		}
		if picture == 0 && len(kept) == hiSmall {
			known = kept
		}
	}
	if len(known) != hiCells {
		t.Errorf("%d cells are drawn", len(known))
	}
	return worst
}
