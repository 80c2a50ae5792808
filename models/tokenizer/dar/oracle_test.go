package dar

import (
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// random are random weights of given shapes, and the tokenizer over them in float64, written from
// its description.
type random map[string][]int

func (w random) Names() []string { return slices.Sorted(maps.Keys(w)) }

func (w random) Shape(name string) ([]int, bool) {
	s, ok := w[name]
	return s, ok
}

// Floats returns numbers by the hash of the name: about as large as in a trained network.
func (w random) Floats(name string) ([]float32, error) {
	h := fnv.New64a()
	h.Write([]byte(name))
	s := w[name]
	x := gputest.Normal(h.Sum64(), tensor.Elems(s))
	scale := float32(0.3)
	if len(s) > 1 {
		scale = float32(math.Sqrt(float64(s[0]) / float64(len(x))))
	}
	for i := range x {
		x[i] *= scale
		if strings.Contains(name, "norm") && strings.HasSuffix(name, ".weight") {
			x[i]++
		}
	}
	return x, nil
}

func (w random) linear(name string, out, in int) {
	w[name+".weight"], w[name+".bias"] = []int{out, in}, []int{out}
}

func (w random) attention(name string, d int) {
	for _, part := range []string{"q", "k", "v", "proj"} {
		w.linear(name+part, d, d)
	}
	for _, part := range []string{"q_norm", "k_norm"} {
		w[name+part+".weight"], w[name+part+".bias"] = []int{headDim}, []int{headDim}
	}
}

// The sizes of a tiny tokenizer.
const (
	tinyText                                                                = `{"model": {"num_all_queries": 20, "num_query_groups": 4, "num_denoising_steps": 3, "sampling_resolution": 16}}`
	tinySide, tinyTokens, tinyCodes, tinyZ, tinyPatch, tinyPaint, tinySteps = 16, 20, 64, 4, 8, 4, 3
	tinyWidth, tinyPixelWidth, tinyHidden, tinyNarrow, tinyQueries          = 64, 128, 48, 6, 24
)

func tiny() random {
	w := random{
		CodesName: {tinyCodes, tinyZ}, "query_embedding.weight": {tinyQueries, tinyNarrow}, "decoder_embedding.weight": {tinyQueries, tinyWidth},
		"quant_in_conv.weight": {tinyZ, tinyWidth, 1, 1}, "quant_out_conv.weight": {tinyWidth, tinyZ, 1, 1},
		"patchify.weight": {tinyWidth, 3, tinyPatch, tinyPatch}, "patchify.bias": {tinyWidth},
	}
	w.linear("query_linear", tinyWidth, tinyNarrow)
	for _, b := range []string{"encoder_layers.0.", "encoder_layers.1.", "decoder_layers.0."} {
		w.attention(b+"attention.", tinyWidth)
		w.linear(b+"mlp.fc1", tinyHidden, tinyWidth)
		w.linear(b+"mlp.fc2", tinyWidth, tinyHidden)
		for _, part := range []string{"norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "gate1", "gate2"} {
			w[b+part] = []int{tinyWidth}
		}
	}
	const net, d, values = "diff_decoder.net.", tinyPixelWidth, 3 * tinyPaint * tinyPaint
	w.linear(net+"cond_mlp", d, tinyWidth)
	w[net+"conv_in.weight"], w[net+"conv_in.bias"] = []int{d, values, 1, 1}, []int{d}
	w[net+"conv_out.weight"], w[net+"conv_out.bias"] = []int{values, d, 1, 1}, []int{values}
	for _, b := range []string{net + "blocks.0.", net + "blocks.1."} {
		w.attention(b+"attention.", d)
		w.attention(b+"cross_attn.", d)
		for _, part := range []string{"time_embed.mlp.0", "time_embed.mlp.2", "cond_embed.0", "cond_embed.2"} {
			w.linear(b+part, d, d)
		}
		w.linear(b+"adaLN_modulation.1", 6*d, d)
		w.linear(b+"mlp.fc1", tinyHidden, d)
		w.linear(b+"mlp.fc2", d, tinyHidden)
	}
	return w
}

// oracle keeps the weights in float64.
type oracle struct {
	random
	made map[string][]float64
}

func (o oracle) get(name string) []float64 {
	if o.made[name] == nil {
		x, _ := o.Floats(name) // has no errors
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = float64(v)
		}
		o.made[name] = y
	}
	return o.made[name]
}

func (o oracle) apply(name string, x []float64) []float64 {
	m := o.get(name + ".weight")
	out := make([]float64, len(m)/len(x))
	if _, ok := o.random[name+".bias"]; ok {
		copy(out, o.get(name+".bias"))
	}
	for i := range out {
		for j, v := range x {
			out[i] += m[i*len(x)+j] * v
		}
	}
	return out
}

// norm brings x to mean 0 and variance 1, with the gain and bias of a name, "" for none.
func (o oracle) norm(name string, x []float64) []float64 {
	mean, variance, out := 0.0, 0.0, make([]float64, len(x))
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	for i, v := range x {
		out[i] = (v - mean) / math.Sqrt(variance+1e-6)
		if name != "" {
			out[i] = out[i]*o.get(name + ".weight")[i] + o.get(name + ".bias")[i]
		}
	}
	return out
}

func silu(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / (1 + math.Exp(-v))
	}
	return out
}

func (o oracle) two(a, b string, x []float64) []float64 { return o.apply(b, silu(o.apply(a, x))) }

// heads normalizes and turns each head.
func (o oracle) heads(name string, x []float64, at *[2]int) (out []float64) {
	for h := 0; h < len(x); h += headDim {
		y := o.norm(name, x[h:h+headDim])
		for j := 0; at != nil && j < headDim/2; j++ {
			const quarter = headDim / 4
			sin, cos := math.Sincos(float64(at[j/quarter]) * math.Pow(10000, -float64(j%quarter)/quarter))
			a, b := y[2*j], y[2*j+1]
			y[2*j], y[2*j+1] = a*cos-b*sin, a*sin+b*cos
		}
		out = append(out, y...)
	}
	return out
}

// attend is attention of a row to rows, [lo, hi) by the row.
func (o oracle) attend(name string, x, y [][]float64, xAt, yAt []*[2]int, sees func(i int) int) (out [][]float64) {
	var k, v [][]float64
	for i := range y {
		k, v = append(k, o.heads(name+"k_norm", o.apply(name+"k", y[i]), yAt[i])), append(v, o.apply(name+"v", y[i]))
	}
	for i := range x {
		q := o.heads(name+"q_norm", o.apply(name+"q", x[i]), xAt[i])
		mixed := make([]float64, len(q))
		for h := 0; h < len(q); h += headDim {
			weights, total := make([]float64, sees(i)), 0.0
			for j := range weights {
				s := 0.0
				for c := h; c < h+headDim; c++ {
					s += q[c] * k[j][c]
				}
				weights[j] = math.Exp(s / math.Sqrt(headDim))
				total += weights[j]
			}
			for j, w := range weights {
				for c := h; c < h+headDim; c++ {
					mixed[c] += w / total * v[j][c]
				}
			}
		}
		out = append(out, o.apply(name+"proj", mixed))
	}
	return out
}

// block is a block with gates, in place.
func (o oracle) block(name string, x [][]float64, at []*[2]int, sees func(i int) int) {
	var h [][]float64
	for i := range x {
		h = append(h, o.norm(name+"norm1", x[i]))
	}
	mixed := o.attend(name+"attention.", h, h, at, at, sees)
	for i := range x {
		for c := range x[i] {
			x[i][c] += o.get(name + "gate1")[c] * mixed[i][c]
		}
		for c, v := range o.two(name+"mlp.fc1", name+"mlp.fc2", o.norm(name+"norm2", x[i])) {
			x[i][c] += o.get(name + "gate2")[c] * v
		}
	}
}

// squares are the places of a square of patches.
func squares(across int) (at []*[2]int) {
	for i := range across * across {
		at = append(at, &[2]int{i / across, i % across})
	}
	return at
}

// patch is the values of a patch of a picture: colours, rows, columns.
func patch(x []float32, side, i int) (out []float64) {
	across := tinySide / side
	for c := range 3 {
		for y := range side {
			for z := range side {
				out = append(out, float64(x[((i/across*side+y)*tinySide+i%across*side+z)*3+c]))
			}
		}
	}
	return out
}

// encode returns the rows that codes are compared with.
func (o oracle) encode(pix []float32) (z [][]float64) {
	const across = tinySide / tinyPatch
	at := squares(across)
	var x [][]float64
	for i := range at {
		x = append(x, o.norm("", o.apply("patchify", patch(pix, tinyPatch, i))))
	}
	n := len(x)
	for i := range tinyTokens {
		x = append(x, o.apply("query_linear", o.get("query_embedding.weight")[i*tinyNarrow:(i+1)*tinyNarrow]))
		at = append(at, nil)
	}
	for _, b := range []string{"encoder_layers.0.", "encoder_layers.1."} {
		o.block(b, x, at, func(i int) int { return max(i+1, n) })
	}
	for _, r := range x[n:] {
		z = append(z, o.apply("quant_in_conv", o.norm("", r)))
	}
	return z
}

// code is a code of unit length.
func (o oracle) code(i int) []float64 {
	out, sum := slices.Clone(o.get(CodesName)[i*tinyZ:(i+1)*tinyZ]), 0.0
	for _, v := range out {
		sum += v * v
	}
	for j := range out {
		out[j] /= math.Sqrt(sum)
	}
	return out
}

// velocity is what the denoiser says of patches at a time.
func (o oracle) velocity(patches, condition [][]float64, time float64) (out [][]float64) {
	const net, d = "diff_decoder.net.", tinyPixelWidth
	at := squares(tinySide / tinyPaint)
	var x [][]float64
	for _, p := range patches {
		x = append(x, o.apply(net+"conv_in", p))
	}
	waves := make([]float64, d)
	for j := range d / 2 {
		waves[d/2+j], waves[j] = math.Sincos(1000 * time * math.Pow(10000, -float64(j)/(d/2)))
	}
	for _, b := range []string{net + "blocks.0.", net + "blocks.1."} {
		t := o.two(b+"time_embed.mlp.0", b+"time_embed.mlp.2", waves)
		var c, plain, h, m [][]float64
		for _, r := range condition {
			c = append(c, o.norm("", o.two(b+"cond_embed.0", b+"cond_embed.2", r)))
		}
		for i := range x {
			plain = append(plain, o.norm("", x[i]))
		}
		for i, r := range o.attend(b+"cross_attn.", plain, c, at, make([]*[2]int, len(c)), func(int) int { return len(c) }) {
			for j := range r {
				r[j] += t[j]
			}
			m = append(m, o.apply(b+"adaLN_modulation.1", silu(r)))
			h = append(h, shifted(plain[i], m[i], 0))
		}
		for i, r := range o.attend(b+"attention.", h, h, at, at, func(int) int { return len(x) }) {
			for j := range r {
				x[i][j] += m[i][2*d+j] * r[j]
			}
			for j, v := range o.two(b+"mlp.fc1", b+"mlp.fc2", shifted(o.norm("", x[i]), m[i], 3)) {
				x[i][j] += m[i][5*d+j] * v
			}
		}
	}
	for _, r := range x {
		out = append(out, o.apply(net+"conv_out", o.norm("", r)))
	}
	return out
}

// shifted is x·(1 + scale) + shift, by parts of m.
func shifted(x, m []float64, part int) []float64 {
	out, d := make([]float64, len(x)), len(x)
	for i := range x {
		out[i] = x[i]*(1+m[(part+1)*d+i]) + m[part*d+i]
	}
	return out
}

// decode returns the patches of tokens, from noise.
func (o oracle) decode(tokens []uint32, noise []float32) (x [][]float64) {
	var c [][]float64
	for i, t := range tokens {
		r := o.apply("quant_out_conv", o.code(int(t)))
		for j := range r {
			r[j] += o.get("decoder_embedding.weight")[i*tinyWidth+j]
		}
		c = append(c, r)
	}
	o.block("decoder_layers.0.", c, make([]*[2]int, len(c)), func(i int) int { return i + 1 })
	for i := range c {
		c[i] = o.norm("", o.apply("diff_decoder.net.cond_mlp", o.norm("", c[i])))
	}
	for i := range tinySide / tinyPaint * (tinySide / tinyPaint) {
		x = append(x, patch(noise, tinyPaint, i))
	}
	at := func(step int) float64 {
		t := float64(step) / tinySteps
		return t / (t + 2*(1-t))
	}
	var before [][]float64
	for step, first := range []int{0, 5, 15} { // a third of four groups is the first, two thirds the third
		v := o.velocity(x, c[first:first+5], at(step))
		for i := range x {
			for j := range x[i] {
				y := v[i][j]
				if step > 0 {
					y = 1.5*y - 0.5*before[i][j]
				}
				x[i][j] += (at(step+1) - at(step)) * y
			}
		}
		before = v
	}
	for i := range x {
		for j := range x[i] {
			x[i][j] /= 0.6
		}
	}
	return x
}
