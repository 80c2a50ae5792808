package order

import (
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Grid describes sequences over a grid of tokens. The rows of a condition come first,
// then one row for each token. The input of a row is its own token.
type Grid struct {
	T, H, W int
	// Place gives every row a learned position: row 1 + cell of a table, and row 0 for
	// the condition. Without it, rows and columns of the grid are rotary positions.
	Place bool
	// First is the fixed id of the table's row of position 0.
	First int
	// Line gives every row its number in the sequence as its only rotary position.
	Line bool
}

// Cells is the number of tokens.
func (g Grid) Cells() int { return g.T * g.H * g.W }

// fixed returns the fixed ids of a row: its own, and its position's. Cell -1 is the
// condition.
func (g Grid) fixed(own int32, cell int) []int32 {
	if !g.Place {
		return []int32{own}
	}
	return []int32{own, int32(g.First + 1 + cell)}
}

// axes returns the rotary coordinates of a cell. A condition has none.
func (g Grid) axes(cell int) []int32 {
	switch {
	case g.Line:
		return []int32{int32(1 + cell)}
	case g.Place:
		return []int32{0}
	case cell < 0:
		return []int32{nn.NoPosition, nn.NoPosition}
	}
	return []int32{int32(cell / g.W % g.H), int32(cell % g.W)}
}

// Condition appends the row of a condition's id. It sees the rows before it, and
// itself.
func (g Grid) Condition(r *system.Rows, id int32) {
	r.N++
	r.Fixed, r.Inputs, r.Axes = append(r.Fixed, g.fixed(id, -1)...), append(r.Inputs, system.Nothing), append(r.Axes, g.axes(-1)...)
	r.KVLen = append(r.KVLen, int32(r.N))
}

// Token appends the row that is fed a cell's token. It sees the first sees rows.
func (g Grid) Token(r *system.Rows, cell, sees int) {
	r.N++
	r.Fixed, r.Inputs, r.Axes = append(r.Fixed, g.fixed(-1, cell)...), append(r.Inputs, int32(cell)), append(r.Axes, g.axes(cell)...)
	r.KVLen = append(r.KVLen, int32(sees))
}

// Conditions are the first rows of a sequence. Other has as many, for the branch of
// guidance without the condition.
type Conditions struct {
	Rows, Other system.Rows
	Stage       int // of the network, in which they are read
}

// GuidanceScale returns the scale of guidance of a step, from the number of tokens drawn before
// it. Nil means the request's scale.
type GuidanceScale func(before int) float32

// add appends the scales of n draws of a step.
func (g GuidanceScale) add(scales []float32, before, n int) []float32 {
	if g == nil {
		return nil
	}
	for range n {
		scales = append(scales, g(before))
	}
	return scales
}
