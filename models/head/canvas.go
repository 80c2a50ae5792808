package head

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/models/nn"
)

// Canvas is a diffusion head whose network also guesses tokens in one pass, from the second
// state that a row starts from. It learns the guess by its squared error, so that it is their
// mean. Nothing is drawn from the guess: rows start from it.
//
// Source: Li and Zhang, CanvasMAR, 2025, arXiv:2510.13669.
type Canvas struct {
	Diffusion
	Matrix *nn.Matrix // of a state, [token, width]
	Weight float64    // of the guess's error, against that of the noise
}

// guessShare is how many lessons there are for one of the guess.
const guessShare = 4

// Guessed records the guesses times alpha, [n, token], zeros where a row has no such state.
func (c *Canvas) Guessed(g nn.Graph, alpha float32) *nn.Value {
	return g.Product(g.Recall(1), c.Matrix, nn.ProductOptions{Alpha: alpha})
}

// root is what a guess and its target are multiplied by, so that the squared error has its
// weight.
func (c *Canvas) root() float64 { return math.Sqrt(c.Weight * (guessShare - 1)) }

// Lessons implements system.Teacher. Behind those of a lesson of noise stand for each number
// of the token -1 in a lesson of the guess, 0, and 1 in a lesson of the guess. Others have 0.
func (c *Canvas) Lessons() (each, numbers int) {
	each, numbers = c.Diffusion.Lessons()
	return each, numbers + 3*c.teacher.token
}

// Lesson implements system.Teacher.
func (c *Canvas) Lesson(r *rand.Rand, token []float32, within [2]int32, lesson []float32) {
	clear(lesson)
	n := len(token)
	rest := lesson[len(lesson)-3*n:]
	if r.IntN(guessShare) > 0 {
		c.Diffusion.Lesson(r, token, within, lesson[:len(lesson)-3*n])
		return
	}
	for i, x := range token {
		lesson[n+i], rest[i], rest[2*n+i] = float32(c.root()*float64(x)), -1, 1
	}
}

// Guess implements system.Teacher.
func (c *Canvas) Guess(lesson []float32, mean, deviation []float64) float64 {
	n := len(mean)
	if lesson[len(lesson)-1] == 0 {
		return c.Diffusion.Guess(lesson[:len(lesson)-3*n], mean, deviation)
	}
	e := 0.0
	for i, m := range mean {
		e += square(c.root()*m-float64(lesson[n+i])) / float64(n)
	}
	return e
}

// Loss implements system.Learner: the squared error of what the denoiser says, or of the guess.
func (c *Canvas) Loss(g nn.Training, h *nn.Value, targets, weight, out *gpu.Tensor) {
	n, numbers := c.teacher.token, targets.Dim(-1)
	said := c.say(g, h, targets)
	said = g.Modulate(said, lessonPart(g, targets, numbers-3*n, 2*n), 0, 1, nil)
	said = g.Gate(g.Learned(c.Guessed(g, float32(c.root()))), lessonPart(g, targets, numbers-n, n), 0, said)
	g.Noise(said, loss.NoiseArgs{Target: lessonPart(g, targets, n, n).X, Weight: weight, Loss: out})
}
