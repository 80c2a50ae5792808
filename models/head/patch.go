package head

import (
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/models/nn"
)

// Patches is a denoiser of patches of a latent image. Unlike [Denoiser] its norms in front
// have no gain, and the branch has a norm of its own behind.
//
// Source: Deng et al., "Autoregressive Video Generation without Vector Quantization", 2024,
// arXiv:2412.14169.
type Patches struct {
	In         *nn.Linear
	Cond, Time [2]*nn.Linear
	Blocks     []PatchBlock
	Final      *nn.Linear // scale and shift
	Out        *nn.Linear
	freq       *nn.Constant
}

// PatchBlock is x + gate·LN(MLP((1 + scale)·LN x + shift)).
type PatchBlock struct {
	Modulate *nn.Linear // scale, shift and gate
	Up, Down *nn.Linear
	Norm     *nn.LayerNorm
}

const patchEps = 1e-5

// NewPatches declares the network under NOVA's names. in is the convolution that reads a
// patch.
func NewPatches(p nn.Params, in *nn.Linear, o DenoiserOptions) *Patches {
	init, w := nn.Init{Std: 0.02}, o.Width
	d := &Patches{
		In:   in,
		Cond: [2]*nn.Linear{p.Linear(w, o.Condition, init, "time_cond_embed.condition_proj.fc1"), p.Linear(w, w, init, "time_cond_embed.condition_proj.fc2")},
		Time: [2]*nn.Linear{p.Linear(w, TimeFeatures, init, "time_cond_embed.timestep_proj.fc1"), p.Linear(w, w, init, "time_cond_embed.timestep_proj.fc2")},
		freq: p.Constant(embed.Frequencies(TimeFeatures/2, 10000), 2, TimeFeatures/2),
	}
	for i := range o.Depth {
		b := p.In("blocks.%d.", i)
		d.Blocks = append(d.Blocks, PatchBlock{
			Modulate: b.Linear(3*w, w, nn.Init{}, "norm1.proj"), Up: b.Linear(w, w, init, "proj.fc1"), Down: b.Linear(w, w, init, "proj.fc2"),
			Norm: b.LayerNorm(w, patchEps, "norm2"),
		})
	}
	d.Final, d.Out = p.Linear(2*w, w, nn.Init{}, "norm.proj"), p.Linear(o.Says, w, nn.Init{}, "head")
	return d
}

// Width implements [Network].
func (d *Patches) Width() int { return d.Out.W.In }

// Condition implements [Network].
func (d *Patches) Condition(g nn.Graph, z *nn.Value) *nn.Value {
	return d.Cond[1].Forward(g, d.Cond[0].Forward(g, z, nn.ProductOptions{Act: nn.SiLU}), nn.ProductOptions{})
}

// Times implements [Network].
func (d *Patches) Times(g nn.Graph, t *nn.Value) *nn.Value {
	return embedTimes(g, t, d.freq, d.Time)
}

// Say implements [Network].
func (d *Patches) Say(g nn.Graph, x, y *nn.Value) *nn.Value {
	h := branches(g, d.In.Forward(g, x, nn.ProductOptions{}), y.X.Rows())
	for i := range d.Blocks {
		h = d.Blocks[i].forward(g, h, y)
		g.Mark(blockName(i), h)
	}
	mod := d.Final.Forward(g, y, nn.ProductOptions{})
	return d.Out.Forward(g, g.Adapt(h, mod, 0, 1, denoiserEps), nn.ProductOptions{})
}

func (b *PatchBlock) forward(g nn.Graph, x, y *nn.Value) *nn.Value {
	mod := b.Modulate.Forward(g, y, nn.ProductOptions{})
	u := b.Up.Forward(g, g.Adapt(x, mod, 0, 1, denoiserEps), nn.ProductOptions{Act: nn.SiLU})
	v := g.LayerNorm(b.Down.Forward(g, u, nn.ProductOptions{}), b.Norm)
	return g.Gate(v, mod, 2, x)
}
