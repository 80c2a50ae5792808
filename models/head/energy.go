package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Energy draws a token of real numbers in one pass. A small network makes it out of the
// hidden state, and adaptive norms tell it uniform noise. The temperature scales how far
// noise shifts. Guidance acts on the hidden state.
//
// Source: Shao, Meng and Zhou, "Continuous Visual Autoregressive Generation via Score
// Maximization", 2025, arXiv:2505.07812.
type Energy struct {
	In, Noise *nn.Linear
	Blocks    []DenoiserBlock
	Final     *nn.Linear // shift and scale
	Out       *nn.Linear
}

// EnergyOptions are the sizes of the network.
type EnergyOptions struct {
	Width, Depth int
	Token        int // numbers of a token
	Noise        int // random numbers
	Condition    int // width of a hidden state
}

// NewEnergy declares the network under EAR's names.
func NewEnergy(p nn.Params, o EnergyOptions) *Energy {
	init, w := nn.Init{Std: 0.02}, o.Width
	e := &Energy{Noise: p.Linear(w, o.Noise, init, "noise_embed"), In: p.Linear(w, o.Condition, init, "input_proj")}
	for i := range o.Depth {
		e.Blocks = append(e.Blocks, newDenoiserBlock(p.In("res_blocks.%d.", i), w))
	}
	e.Final = p.Linear(2*w, w, nn.Init{}, "final_layer.adaLN_modulation.1")
	e.Out = p.Linear(o.Token, w, nn.Init{}, "final_layer.linear")
	return e
}

// Logits implements system.Head: the hidden states.
func (e *Energy) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	return g.Pick(h, 0)
}

// Outputs implements system.Head.
func (e *Energy) Outputs() int { return e.In.W.In }

// Sample implements system.Head.
func (e *Energy) Sample(g *nn.Inference, z, _ *gpu.Tensor) *gpu.Tensor {
	m := z.Rows()
	noise := g.Temp(tensor.F32, m, e.Noise.W.In)
	refine.Noise(g.Recorder, refine.NoiseArgs{Draw: g.Rows.Target, Canvas: g.Rows.Canvas, Out: noise, Uniform: true})
	return e.token(g, tape.Constant(z), tape.Constant(noise), tape.Constant(g.Rows.Temp)).X.As(tensor.U32)
}

// token records the network: what hidden states and noise make, each by rows.
func (e *Energy) token(g nn.Graph, z, noise, heat *nn.Value) *nn.Value {
	y := g.SiLU(e.Noise.Forward(g, noise, nn.ProductOptions{}))
	x := e.In.Forward(g, z, nn.ProductOptions{})
	for i := range e.Blocks {
		x = e.Blocks[i].forward(g, x, y, heat)
	}
	return adaptiveOut(g, x, y, e.Final, e.Out)
}
