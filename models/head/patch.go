package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
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
func (d *Patches) Times(g *nn.Drawing, t *gpu.Tensor) *nn.Value {
	return embedTimes(g, t, d.freq, d.Time)
}

// Say implements [Network].
func (d *Patches) Say(g *nn.Drawing, x *gpu.Tensor, y *nn.Value) *gpu.Tensor {
	h := branches(g, d.In.Forward(g, tape.Constant(x), nn.ProductOptions{}), y.X.Rows())
	for i := range d.Blocks {
		h = d.Blocks[i].forward(g, h, y)
		g.Mark(blockName(i), h)
	}
	w, n := h.X.Dim(-1), h.X.Rows()
	mod := d.Final.Forward(g, y, nn.ProductOptions{}).X
	norm.Adaptive(g.Recorder, norm.AdaptiveArgs{X: h.X, Scale: part(mod, 0, w), Shift: part(mod, 1, w), Out: h.X, B: n, LDMod: 2 * w, Eps: denoiserEps})
	return d.Out.Forward(g, h, nn.ProductOptions{}).X
}

func (b *PatchBlock) forward(g *nn.Drawing, x, y *nn.Value) *nn.Value {
	w, n := x.X.Dim(-1), x.X.Rows()
	mod, h := b.Modulate.Forward(g, y, nn.ProductOptions{}).X, g.Temp(tensor.F32, n, w)
	norm.Adaptive(g.Recorder, norm.AdaptiveArgs{X: x.X, Scale: part(mod, 0, w), Shift: part(mod, 1, w), Out: h, B: n, LDMod: 3 * w, Eps: denoiserEps})
	u := b.Up.Forward(g, tape.Constant(h), nn.ProductOptions{Act: nn.SiLU})
	v := g.LayerNorm(b.Down.Forward(g, u, nn.ProductOptions{}), b.Norm)
	norm.Gate(g.Recorder, norm.GateArgs{X: v.X, Gate: part(mod, 2, w), Residual: x.X, Out: x.X, B: n, LDMod: 3 * w})
	return x
}
