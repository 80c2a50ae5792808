package system

import "github.com/morton-gen/morton/gpu/ops/step"

// What a row is fed where no token lies: the start of the sequence, for which the
// network has an embedding, or nothing at all.
const (
	Start   = step.Start
	Nothing = step.Nothing
)

// Rows are queries of the network, column by column.
type Rows struct {
	N     int
	Fixed []int32 // [n, k] rows of the embedding table that no token decides; -1: none
	Fed   []int32 // [n, f] positions whose tokens the row is fed, or Start or Nothing
	Axes  []int32 // [n, a] coordinates of the rotary positions
	// Sees is the number of slots of the cache that a row sees, the first ones. Rows
	// that are computed together and see each other have the same number.
	Sees []int32
	// Slot is where a row's keys and values go; -1: nowhere. Nil means the row's number
	// in its request; beyond the context, the place of the oldest that is not pinned.
	Slot []int32
	// Features are vectors of a condition, [n, features], in stages that read one.
	Features []float32
}

// Draws are tokens that are drawn after the steps of a run, column by column.
type Draws struct {
	N  int
	At []int32 // [m] position that the token goes to
	// Allow are the tokens lo <= t < hi that may be drawn, [m, 2]; nil means all.
	// How many sub-tokens exist may be packed into hi, see sample.Existing.
	Allow []int32
	// From are the rows of the step that each direction of the head draws from,
	// [m, h]; -1: none. Nil means that draw i of a step comes from its row i.
	From  []int32
	Scale []float32 // [m] of the guidance; nil means the request's
}

// Run is work that the device does without asking the host: steps of Group rows, and
// Ask draws behind each. A run that asks for nothing is a prompt: its rows are read
// in pieces of any size that is a multiple of Group.
type Run struct {
	Rows
	// Other are the rows of the branch that does not see the condition, as many; nil
	// means the same rows. Only requests with guidance have such a branch.
	Other      *Rows
	Draws      Draws
	Group, Ask int
	Stage      int // what the network does with the rows, see Input
}

// Steps is the number of steps of a run.
func (r *Run) Steps() int { return r.N / r.Group }

// Schedule yields a request's runs, one after the other, and io.EOF after the last.
// It knows neither device nor network. Only an order that depends on what was drawn
// looks at the tokens, which are those of all positions up to the highest drawn so far.
type Schedule interface {
	Next(tokens []uint32) (Run, error)
}
