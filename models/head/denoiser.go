package head

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Denoiser is a small network over single tokens. Adaptive norms tell it the hidden state
// and the time of a pass.
//
// Source: Li et al., "Autoregressive Image Generation without Vector Quantization", 2024,
// arXiv:2406.11838, section 4.2 (SimpleMLPAdaLN).
type Denoiser struct {
	In, Cond *nn.Linear
	Time     [2]*nn.Linear
	Blocks   []DenoiserBlock
	Final    *nn.Linear // shift and scale
	Out      *nn.Linear
	freq     *nn.Constant // of the features of a time
}

// DenoiserBlock is x + gate·MLP((1 + scale)·LN x + shift).
type DenoiserBlock struct {
	Norm     *nn.LayerNorm
	Modulate *nn.Linear // shift, scale and gate
	Up, Down *nn.Linear
}

// TimeFeatures is the number of sines and cosines that describe a time.
const TimeFeatures = 256

// Waves returns the cosines and then the sines of times, [n, TimeFeatures].
func Waves(times []float32) (out []float32) {
	const half = TimeFeatures / 2
	for _, t := range times {
		row := make([]float32, TimeFeatures)
		for i := range half {
			sin, cos := math.Sincos(float64(t) * math.Pow(10000, -float64(i)/half))
			row[i], row[half+i] = float32(cos), float32(sin)
		}
		out = append(out, row...)
	}
	return out
}

const denoiserEps = 1e-6

// DenoiserOptions are the sizes of a denoiser.
type DenoiserOptions struct {
	Width, Depth int
	Token        int // numbers of a token
	Says         int // numbers that it says of one
	Condition    int // width of a hidden state
}

// NewDenoiser declares a denoiser under MAR's names.
func NewDenoiser(p nn.Params, o DenoiserOptions) *Denoiser {
	init, w := nn.Init{Std: 0.02}, o.Width
	d := &Denoiser{
		In: p.Linear(w, o.Token, init, "input_proj"), Cond: p.Linear(w, o.Condition, init, "cond_embed"),
		Time: [2]*nn.Linear{p.Linear(w, TimeFeatures, init, "time_embed.mlp.0"), p.Linear(w, w, init, "time_embed.mlp.2")},
		freq: p.Constant(embed.Frequencies(TimeFeatures/2, 10000), 2, TimeFeatures/2),
	}
	for i := range o.Depth {
		d.Blocks = append(d.Blocks, newDenoiserBlock(p.In("res_blocks.%d.", i), w))
	}
	d.Final = p.Linear(2*w, w, nn.Init{}, "final_layer.adaLN_modulation.1")
	d.Out = p.Linear(o.Says, w, nn.Init{}, "final_layer.linear")
	return d
}

func newDenoiserBlock(p nn.Params, w int) DenoiserBlock {
	init := nn.Init{Std: 0.02}
	return DenoiserBlock{
		Norm: p.LayerNorm(w, denoiserEps, "in_ln"), Modulate: p.Linear(3*w, w, nn.Init{}, "adaLN_modulation.1"),
		Up: p.Linear(w, w, init, "mlp.0"), Down: p.Linear(w, w, init, "mlp.2"),
	}
}

// Condition implements [Network].
func (d *Denoiser) Condition(g nn.Graph, z *nn.Value) *nn.Value {
	return d.Cond.Forward(g, z, nn.ProductOptions{})
}

// Says is the number of numbers that the network says of a token.
func (d *Denoiser) Says() int { return d.Out.W.Out }

// Width implements [Network].
func (d *Denoiser) Width() int { return d.In.W.Out }

// Times implements [Network].
func (d *Denoiser) Times(g nn.Graph, t *nn.Value) *nn.Value {
	y := embedTimes(g, t, d.freq, d.Time)
	g.Mark("head.time_embed", y)
	return y
}

// embedTimes records sines and cosines of numbers, through two layers.
func embedTimes(g nn.Graph, t *nn.Value, freq *nn.Constant, layers [2]*nn.Linear) *nn.Value {
	x := g.Waves(t, freq)
	g.Mark("head.time_freq", x)
	return layers[1].Forward(g, layers[0].Forward(g, x, nn.ProductOptions{Act: nn.SiLU}), nn.ProductOptions{})
}

// Told records what each branch's rows are told in a pass: y = SiLU(times[at] + cond),
// [n, width].
func Told(g *nn.Inference, times, at, cond *gpu.Tensor) *nn.Value {
	y := g.Temp(tensor.F32, cond.Rows(), cond.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: times, IDs: at, Out: y})
	elementwise.Add(g.Recorder, elementwise.AddArgs{A: y, B: cond, Out: y})
	activation.SiLU(g.Recorder, activation.SiLUArgs{X: y, Out: y})
	return tape.Constant(y)
}

// Say implements [Network].
func (d *Denoiser) Say(g nn.Graph, x, y *nn.Value) *nn.Value {
	h := branches(g, d.In.Forward(g, x, nn.ProductOptions{}), y.X.Rows())
	g.Mark("head.input_proj", h)
	for i := range d.Blocks {
		h = d.Blocks[i].forward(g, h, y, nil)
		g.Mark(blockName(i), h)
	}
	return adaptiveOut(g, h, y, d.Final, d.Out)
}

// branches repeats rows for every branch, of n rows in all.
func branches(g nn.Graph, h *nn.Value, n int) *nn.Value {
	m, w := h.X.Rows(), h.X.Dim(-1)
	if n == m {
		return h
	}
	r := g.Program()
	both := r.Temp(tensor.F32, n, w)
	for i := range n / m {
		r.Copy(both.View(i*m*w, m, w), h.X)
	}
	return tape.Constant(both)
}

func blockName(i int) string { return "head.block" + string(rune('0'+i%10)) }

// forward records the block. heat scales the shift of each row; nil is 1.
func (b *DenoiserBlock) forward(g nn.Graph, x, y, heat *nn.Value) *nn.Value {
	mod := b.Modulate.Forward(g, y, nn.ProductOptions{})
	h := g.Modulate(g.LayerNorm(x, b.Norm), mod, 1, 0, heat)
	u := b.Up.Forward(g, h, nn.ProductOptions{Act: nn.SiLU})
	return g.Gate(b.Down.Forward(g, u, nn.ProductOptions{}), mod, 2, x)
}

// adaptiveOut is the last adaptive norm, without a gain of its own, and the way out.
func adaptiveOut(g nn.Graph, x, y *nn.Value, modulate, out *nn.Linear) *nn.Value {
	mod := modulate.Forward(g, y, nn.ProductOptions{})
	return out.Forward(g, g.Adapt(x, mod, 1, 0, denoiserEps), nn.ProductOptions{})
}
