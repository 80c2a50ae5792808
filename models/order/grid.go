package order

import (
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Grid describes sequences that begin with the rows of a condition and go on with one
// row for each token of a grid. A row is fed its own token.
type Grid struct {
	T, H, W int
	// Place adds row 1 + cell of the table of positions to a token's fixed ids, and
	// row 0 to the condition's; else rows and columns are rotary positions.
	Place bool
	// First is the fixed id of the table's row of position 0.
	First int
}

// Cells is the number of tokens.
func (g Grid) Cells() int { return g.T * g.H * g.W }

// fixed are the fixed ids of a row: its own, and its position's. Cell -1 is the
// condition.
func (g Grid) fixed(own int32, cell int) []int32 {
	if !g.Place {
		return []int32{own}
	}
	return []int32{own, int32(g.First + 1 + cell)}
}

// axes are the rotary coordinates of a cell. Those of a condition are nowhere.
func (g Grid) axes(cell int) []int32 {
	switch {
	case g.Place:
		return []int32{0}
	case cell < 0:
		return []int32{nn.Nowhere, nn.Nowhere}
	}
	return []int32{int32(cell / g.W % g.H), int32(cell % g.W)}
}

// Condition appends the row of a condition's id, which sees what is before it.
func (g Grid) Condition(r *system.Rows, id int32) {
	r.N++
	r.Fixed, r.Fed, r.Axes = append(r.Fixed, g.fixed(id, -1)...), append(r.Fed, system.Nothing), append(r.Axes, g.axes(-1)...)
	r.Sees = append(r.Sees, int32(r.N))
}

// Token appends the row that is fed a cell's token; it sees so many rows.
func (g Grid) Token(r *system.Rows, cell, sees int) {
	r.N++
	r.Fixed, r.Fed, r.Axes = append(r.Fixed, g.fixed(-1, cell)...), append(r.Fed, int32(cell)), append(r.Axes, g.axes(cell)...)
	r.Sees = append(r.Sees, int32(sees))
}

// Conditions are the rows that a sequence begins with, and those of the branch of
// guidance that does not see the condition, as many.
type Conditions struct {
	Rows, Other system.Rows
	Stage       int // of the network, in which they are read
}

// Guide is the scale of guidance of a step that so many drawn tokens lie before. Nil
// means the request's.
type Guide func(before int) float32

// add appends the scales of n draws of a step.
func (g Guide) add(scales []float32, before, n int) []float32 {
	if g == nil {
		return nil
	}
	for range n {
		scales = append(scales, g(before))
	}
	return scales
}
