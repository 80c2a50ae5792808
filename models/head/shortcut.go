package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/models/nn"
)

// Shortcut draws a token of real numbers in a few long steps. The network is a denoiser's
// that is told the length of the step as well as the time.
//
// Source: Frans et al., "One Step Diffusion via Shortcut Models", 2024, arXiv:2410.12557;
// as a head, Hang et al., "Fast Autoregressive Models for Continuous Latent Generation",
// 2025, arXiv:2504.18391, who tell no names of tensors: those of the length are ours.
type Shortcut struct {
	Diffusion
	Length  [2]*nn.Linear
	lengths *nn.Constant
	freq    *nn.Constant
}

// NewShortcut declares the head's further layers and its table.
func NewShortcut(p nn.Params, net *Denoiser, schedules ...Schedule) *Shortcut {
	init, w := nn.Init{Std: 0.02}, net.Width()
	s := &Shortcut{Diffusion: *NewDiffusion(p, net, schedules...), freq: net.freq}
	s.Length = [2]*nn.Linear{p.Linear(w, TimeFeatures, init, "step_embed.mlp.0"), p.Linear(w, w, init, "step_embed.mlp.2")}
	var lengths []float32
	for _, x := range schedules {
		for _, pass := range x.Passes {
			lengths = append(lengths, float32(pass.Move*timeScale))
		}
	}
	s.lengths = p.Constant(lengths, len(lengths), 1)
	return s
}

// Prepare implements system.Refiner: what the time of each pass says, and its length.
func (s *Shortcut) Prepare(g *nn.Drawing) *gpu.Tensor {
	times := s.Net.Times(g, g.Constant(s.times))
	length := embedTimes(g, g.Constant(s.lengths), s.freq, s.Length)
	return g.Add(times, length).X
}

// timeScale turns times of a flow, from 0 to 1, into those that networks are told.
const timeScale = 1000

// Flow is the schedule of a network that says the velocity from noise to token, in equal
// steps. Its times are those of the tokens: 0 is noise.
//
// Source: Lipman et al., "Flow Matching for Generative Modeling", 2022, arXiv:2210.02747;
// Liu, Gong and Liu, "Flow Straight and Fast", 2022, arXiv:2209.03003.
func Flow(steps int) (s Schedule) {
	for i := range steps {
		s.Times = append(s.Times, float32(timeScale*float64(i)/float64(steps)))
		s.Passes = append(s.Passes, refine.Pass{Keep: 1, Move: 1 / float64(steps)})
	}
	return s
}
