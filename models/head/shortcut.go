package head

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Shortcut draws a token of real numbers in a few long steps. The network is a denoiser's
// that is told the length of the step as well as the time.
//
// Source: Frans et al., "One Step Diffusion via Shortcut Models", 2024, arXiv:2410.12557;
// as a head, Hang et al., "Fast Autoregressive Models for Continuous Latent Generation",
// 2025, arXiv:2504.18391, who tell no names of tensors: those of the length are ours.
type Shortcut struct {
	Diffusion
	Length [2]*nn.Linear
	// Share is how many lessons there are for one that joins two steps into one of twice the
	// length; 0: none does. The others teach the velocity, with a length of 0.
	Share   int
	lengths *nn.Constant
	freq    *nn.Constant
}

// NewShortcut declares the head's further layers and its table.
func NewShortcut(p nn.Params, net *Denoiser, schedules ...Schedule) *Shortcut {
	init, w := nn.Init{Std: 0.02}, net.Width()
	s := &Shortcut{Diffusion: *NewDiffusion(p, net, schedules...), freq: net.freq, Share: 4}
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
func (s *Shortcut) Prepare(g *nn.Inference) *gpu.Tensor {
	return s.told(g, tape.Constant(g.Constant(s.times)), tape.Constant(g.Constant(s.lengths))).X
}

// told records what times and lengths of steps tell the network.
func (s *Shortcut) told(g nn.Graph, times, lengths *nn.Value) *nn.Value {
	return g.Add(s.Net.Times(g, times), embedTimes(g, lengths, s.freq, s.Length))
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

// A lesson of a shortcut head is x, the velocity, whether two steps are joined, and the
// length of one of them, each as often as a token has numbers; then the time, the length
// that the network is told, the time of the second step, and the length of both.
const shortcutMore = 4

// shortcutLevels is how often a step of length 1 is halved at most.
const shortcutLevels = 7

// Lessons implements system.Teacher.
func (s *Shortcut) Lessons() (each, numbers int) {
	return s.teacher.each, 4*s.teacher.token + shortcutMore
}

// Lesson implements system.Teacher.
func (s *Shortcut) Lesson(r *rand.Rand, token []float32, _ [2]int32, lesson []float32) {
	c := s.teacher.token
	t, half, told, joined := r.Float64(), 0.0, 0.0, float32(0)
	if s.Share > 0 && r.IntN(s.Share) == 0 {
		k := r.IntN(shortcutLevels)
		length := math.Ldexp(1, -k)
		t, half, told, joined = length*float64(r.IntN(1<<k)), length/2, length/2, 1
		if k == shortcutLevels-1 {
			told = 0 // of which the velocity is known
		}
	}
	for i, x := range token {
		n := r.NormFloat64()
		lesson[i], lesson[c+i] = float32((1-t)*n+t*float64(x)), float32(float64(x)-n)
		lesson[2*c+i], lesson[3*c+i] = joined, float32(half)
	}
	for i, x := range [shortcutMore]float64{t, told, t + half, 2 * half} {
		lesson[4*c+i] = float32(timeScale * x)
	}
}

// Guess implements system.Teacher. It is 0 where two steps are joined, since the network
// makes the target.
func (s *Shortcut) Guess(lesson []float32, mean, deviation []float64) float64 {
	c := s.teacher.token
	if lesson[2*c] != 0 {
		return 0
	}
	t := float64(lesson[4*c]) / timeScale
	e, _ := Level{Keep: t, Add: 1 - t, Of: -1, Minus: -1}.guess(lesson[:c], lesson[c:2*c], mean, deviation)
	return e
}

// Loss implements system.Learner: the squared error of the velocity, or of the mean of two
// steps that the network takes itself, which learn nothing from it.
func (s *Shortcut) Loss(g nn.Training, h *nn.Value, targets, weight, out *gpu.Tensor) {
	c, r := s.teacher.token, g.Recorder()
	part := func(from, n int) *nn.Value { return lessonPart(g, targets, from, n) }
	cond, x, velocity, joined, half := s.Net.Condition(g, g.Learned(h)), part(0, c), part(c, c), part(2*c, c), part(3*c, c)
	say := func(g nn.Training, x, cond, time, length *nn.Value) *nn.Value {
		return s.Net.Say(g, x, g.SiLU(g.Add(s.told(g, time, length), cond)))
	}
	still := g
	still.Tape = tape.New(r, false)
	given, told := tape.Constant(cond.X), part(4*c+1, 1)
	first := say(still, x, given, part(4*c, 1), told)
	next := r.Temp(tensor.F32, x.X.Shape...)
	norm.Gate(r, norm.GateArgs{X: first.X, Gate: half.X, Residual: x.X, Out: next, B: x.X.Rows()})
	second := say(still, tape.Constant(next), given, part(4*c+2, 1), told)
	// velocity + joined·((first + second)/2 - velocity)
	elementwise.Add(r, elementwise.AddArgs{A: first.X, B: second.X, Out: first.X})
	elementwise.Scale(r, elementwise.ScaleArgs{X: first.X, Out: first.X, By: 0.5})
	elementwise.Add(r, elementwise.AddArgs{A: first.X, B: velocity.X, Out: first.X, Alpha: -1})
	norm.Gate(r, norm.GateArgs{X: first.X, Gate: joined.X, Residual: velocity.X, Out: velocity.X, B: x.X.Rows()})
	g.Noise(say(g, x, cond, part(4*c, 1), part(4*c+3, 1)), loss.NoiseArgs{Target: velocity.X, Weight: weight, Loss: out})
}
