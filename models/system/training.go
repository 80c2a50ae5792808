package system

import (
	"math/rand/v2"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
)

// Learner is a head with a loss.
type Learner interface {
	Head
	// Loss records the loss of the tokens that rows of hidden states predict. With one
	// direction each row predicts one, with several each target of g does. Of a Teacher
	// targets are lessons, f32 [m, numbers].
	Loss(g nn.Training, h *nn.Value, targets, weight, loss *gpu.Tensor)
}

// Chainer is a Learner whose sub-tokens are told of those before them by rows of a table, see
// embed.Chain.
type Chainer interface {
	Learner
	ChainRows() int
}

// Teacher is a Learner of tokens of real numbers. What it learns from a token depends on
// chance, such as how much noise is added. That is a lesson.
type Teacher interface {
	Learner
	// Lessons returns how many lessons are made of a token, and the numbers of each.
	Lessons() (each, numbers int)
	// Lesson fills in a lesson of a token. Within are the bounds of the run's TokenRange, zeros
	// without.
	Lesson(r *rand.Rand, token []float32, within [2]int32, lesson []float32)
	// Guess returns the loss of a lesson for somebody who knows of the token only that its
	// numbers are independent, with these means and deviations of normal distributions.
	Guess(lesson []float32, mean, deviation []float64) float64
}

// Pass is a pass of a network that trains, over rows of every sequence. All passes but the
// last keep the hidden states of their rows.
type Pass struct {
	Runs  []int // stages of the runs whose rows it has
	Stage int   // in which the network is recorded
	Rows  int   // of a sequence at most
	Keeps int   // hidden states that a row keeps, in consecutive places; 0 means 1
	// Spans are by recall the kept states that a row recalls together; nil: one each.
	Spans []int
}

// Span is the number of kept states that recall i stands for.
func (p *Pass) Span(i int) int {
	if i < len(p.Spans) {
		return p.Spans[i]
	}
	return 1
}

// Practice returns the runs of one lesson of a sample, in which chance decides what is known. Word
// i of the random numbers is the same whenever it is asked for.
type Practice func(p Prompt, word func(i uint32) uint32) (Schedule, error)

// Window is the number of rows of a sequence that trains: those of the last pass, or the
// context.
func (s *System) Window() int {
	if last := len(s.Passes) - 1; last >= 0 {
		return s.Passes[last].Rows
	}
	return s.Layout.Context
}

// Cells is the number of tokens of a picture, or of a frame.
func (s *System) Cells() int { return s.Grid[1] * s.Grid[2] }
