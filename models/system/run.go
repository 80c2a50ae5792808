package system

import "github.com/morton-gen/morton/gpu/ops/step"

// A row may be fed no token. Start stands for the start of the sequence, which has an
// embedding. Nothing adds nothing.
const (
	Start   = step.Start
	Nothing = step.Nothing
)

// Rows are queries of the network, by columns.
type Rows struct {
	N      int
	Fixed  []int32 // [n, k] rows of the embedding table that no token decides; -1: none
	Inputs []int32 // [n, f] positions of the input tokens, or Start or Nothing
	Axes   []int32 // [n, a] coordinates of the rotary positions
	// A row attends to the first KVLen slots of the cache. Rows of a step that see each
	// other have the same number.
	KVLen []int32
	// Ranges are the parts of those slots that the row sees, lo <= slot < hi, in a system
	// whose rows have some, [n, ranges, 2]. They do not overlap, and may be empty. Nil
	// means all.
	Ranges []int32
	// Slot is the cache slot of a row's keys and values; -1: none. Nil means the row's
	// number in its request. Beyond the context, that is the slot of the oldest row
	// that is no sink.
	Slot []int32
	// Keep is the place where a row's hidden state is kept for later stages, and Recall the
	// places of the kept states that it starts from; -1: none. Nil means none for all rows.
	Keep   []int32 // [n]
	Recall []int32 // [n, recalls]
	// Features are vectors of a condition, [n, features], in stages that read one.
	Features []float32
}

// Targets are tokens that the steps of a run sample, by columns.
type Targets struct {
	N  int
	At []int32 // [m] position that the token goes to
	// TokenRange bounds the tokens: lo <= t < hi, [m, 2]; nil means all. The number of
	// sub-tokens may be packed into hi, see sample.Existing.
	TokenRange []int32
	// From names the row of the step for each direction of the head, [m, h]; -1: none.
	// Nil means that draw i of a step comes from row i.
	From []int32
	// Scale has by target the scales of guidance between a branch and the next, [m, n-1] with
	// n branches, see sample.Combine. Nil means the request's of the first, and 1 of others.
	Scale []float32
	Heat  []float32 // [m] what the request's temperature is multiplied by; nil means 1
	// Passes bounds the rows of a refiner's table that a target goes through: lo <= row < hi,
	// [m, 2]; nil means all. It is for tokens of real numbers, which have no Allow.
	Passes []int32
}

// Run is work that the device does without asking the host. It is steps of Group rows
// with GroupTargets targets each. A run that asks for nothing is a prompt. Its rows are read in
// pieces of any multiple of Group, unless it keeps hidden states: then it is a part of
// the step behind it.
type Run struct {
	Rows
	// Other has as many rows, for the second branch of guidance, which lacks a condition; nil
	// means the same rows. Further are those of the branches behind it, of a system with more
	// than two; nil means those of the branch before. Requests without guidance do not use
	// them.
	Other               *Rows
	Further             []*Rows
	Targets             Targets
	Group, GroupTargets int
	Stage               int // what the network does with the rows, see Input
	// Before are runs of one step each, of different stages, that ask for nothing and name the
	// cache slots of their rows. They go to the device in one submit with the run's only step,
	// in front of it. Nil: none.
	Before []Run
	// Drafted says that a draft, where there is one, predicts the targets in runs of its own before, and that
	// this run checks them. It is for tokens of real numbers.
	Drafted bool
	// Pattern says what the run's attention does with the pattern of the layout's Sparse.
	Pattern Pattern
	// Guess returns n rows of their own targets that predict those of rows row to row+n-1,
	// each from what is known before row alone. Their keys go to the slots of those rows,
	// which come later. It is for runs of single rows with single targets; nil: nobody
	// guesses.
	Guess func(row, n int) Rows
}

// Branch returns the rows of a branch of guidance. Branch 0 has all conditions.
func (r *Run) Branch(i int) *Rows {
	for k := min(i-1, len(r.Further)); k > 0; k-- {
		if x := r.Further[k-1]; x != nil {
			return x
		}
	}
	if i > 0 && r.Other != nil {
		return r.Other
	}
	return &r.Rows
}

// Pattern is what attention does with the blocks of keys that rows see.
type Pattern int

// A run sees everything, sees everything and chooses the blocks for later runs, or sees the
// chosen blocks alone.
const (
	Full Pattern = iota
	Chooses
	Chosen
)

// Alone returns the run without those before it.
func (r Run) Alone() Run {
	r.Before = nil
	return r
}

// Each returns the runs before it and the run alone, in their order.
func (r *Run) Each() []Run { return append(r.Before[:len(r.Before):len(r.Before)], r.Alone()) }

// Steps is the number of steps of a run.
func (r *Run) Steps() int { return r.N / r.Group }

// Schedule yields a request's runs, one after the other, and io.EOF after the last. It
// knows neither device nor network. The tokens are those of all positions up to the
// highest drawn so far. Only an order that depends on them looks at them.
type Schedule interface {
	Next(tokens []uint32) (Run, error)
}

// Confident is a schedule that asks how sure the network was. Before every Next but the
// first, the engine tells it by position how far apart the two largest logits were when a
// token was last drawn there.
type Confident interface {
	Schedule
	Sure(gaps []float32)
}

// Seeded is a schedule with random choices of its own, such as an order. The engine calls
// Seed before Next. Word i of the request's random numbers depends on its seed and id
// alone.
type Seeded interface {
	Schedule
	Seed(word func(i uint32) uint32)
}
