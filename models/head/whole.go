package head

import (
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Whole is a denoiser that looks at all tokens of a picture together: a diffusion transformer. The
// targets of a step are the cells of a picture, in order, one picture behind the other. Networks
// that train do not have it yet.
//
// Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", 2022, arXiv:2212.09748;
// as a head, Zheng et al., "Hierarchical Masked Autoregressive Models with Low-Resolution Token
// Pivots", 2025, arXiv:2505.20288.
type Whole struct {
	in, cond *nn.Linear
	places   *nn.Table // of the cells
	time     [2]*nn.Linear
	blocks   []*nn.Adaptive
	final    *nn.Linear // shift and scale
	out      *nn.Linear
	freq     *nn.Constant
}

// WholeOptions are the sizes of the network.
type WholeOptions struct {
	Width, Depth, Heads, Hidden int
	Token                       int // numbers of a token
	Condition                   int // width of a hidden state
	Cells                       int // of a picture
}

// NewWhole declares the network under DiT's names.
func NewWhole(p nn.Params, o WholeOptions) *Whole {
	init, w := nn.Init{Std: 0.02}, o.Width
	d := &Whole{
		in: p.Linear(w, o.Token, init, "x_embedder.proj"), cond: p.Linear(w, o.Condition, init, "c_embedder.proj"),
		places: p.Table(w, init, nn.Part{Name: "pos_embed", Rows: o.Cells, Ones: 1}),
		time:   [2]*nn.Linear{p.Linear(w, TimeFeatures, init, "t_embedder.mlp.0"), p.Linear(w, w, init, "t_embedder.mlp.2")},
		freq:   p.Constant(embed.Frequencies(TimeFeatures/2, 10000), 2, TimeFeatures/2),
	}
	for i := range o.Depth {
		q := p.In("blocks.%d.", i)
		d.blocks = append(d.blocks, &nn.Adaptive{
			Name: blockName(i), Parts: nn.ShiftFirst, Eps: denoiserEps, Modulation: q.Linear(6*w, w, nn.Init{}, "adaLN_modulation.1"),
			QKV: q.Linear(3*w, w, init, "attn.qkv"), Out: q.Linear(w, w, init, "attn.proj"), Up: q.Linear(o.Hidden, w, init, "mlp.fc1"), Down: q.Linear(w, o.Hidden, init, "mlp.fc2"),
			Attention: &nn.Attention{Heads: o.Heads, HeadDim: w / o.Heads},
		})
	}
	d.final = p.Linear(2*w, w, nn.Init{}, "final_layer.adaLN_modulation.1")
	d.out = p.Linear(o.Token, w, nn.Init{}, "final_layer.linear")
	return d
}

// Width implements [Network].
func (d *Whole) Width() int { return d.in.W.Out }

// Condition implements [Network].
func (d *Whole) Condition(g nn.Graph, z *nn.Value) *nn.Value {
	return d.cond.Forward(g, z, nn.ProductOptions{})
}

// Times implements [Network].
func (d *Whole) Times(g nn.Graph, t *nn.Value) *nn.Value { return embedTimes(g, t, d.freq, d.time) }

// Say implements [Network].
func (d *Whole) Say(g nn.Graph, x, y *nn.Value) *nn.Value {
	r, m, n, w := g.Program(), x.X.Rows(), y.X.Rows(), d.Width()
	places := r.Temp(tensor.F32, m, w)
	for i := 0; i < m; i += d.places.Rows {
		r.Copy(places.View(i*w, d.places.Rows, w), g.(*nn.Inference).AllRows(d.places).X)
	}
	h := branches(g, d.in.Forward(g, x, nn.ProductOptions{Add: tape.Constant(places)}), n)
	b := g.(*nn.Inference).Whole(n/d.places.Rows, n)
	for _, x := range d.blocks {
		h = x.Told(b, h, x.Modulation.Forward(g, y, nn.ProductOptions{}))
	}
	return adaptiveOut(g, h, y, d.final, d.out)
}
