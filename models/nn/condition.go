package nn

import (
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/models/tape"
)

// samples is the number of runs of rows that share a condition: lanes, if all have as many
// rows, and single rows otherwise.
func (g *Drawing) samples() int { return g.n() / max(g.Group, 1) }

// Condition implements [Graph]. Every row's first fixed id is that of its condition.
func (g *Drawing) Condition(t *Table) *Value {
	ids := g.Rows.IDs
	x := g.temp(g.samples(), t.Width)
	embed.Sum(g.Recorder, embed.SumArgs{Table: g.Loaded.tables[t], IDs: ids, Out: x.X, K: 1, LD: ids.Elems() / g.samples()})
	return x
}

// Activate implements [Graph].
func (g *Drawing) Activate(x *Value) *Value {
	y := g.temp(x.X.Rows(), x.X.Dim(-1))
	activation.SiLU(g.Recorder, activation.SiLUArgs{X: x.X, Out: y.X})
	return y
}

// Adapt implements [Graph].
func (g *Drawing) Adapt(x, mod *Value, scale, shift int, eps float32) *Value {
	return g.tape().Adaptive(x, mod, scale, shift, eps)
}

// tape records operations that are the same in both graphs.
func (g *Drawing) tape() *tape.Tape { return tape.New(g.Recorder, false) }

// Gate implements [Graph].
func (g *Drawing) Gate(residual, x, mod *Value, gate int) *Value {
	at := gate * x.X.Dim(-1)
	norm.Gate(g.Recorder, norm.GateArgs{X: x.X, Gate: mod.X.View(at, mod.X.Elems()-at), Residual: residual.X, Out: residual.X, B: mod.X.Rows(), LDMod: mod.X.Dim(-1)})
	return residual
}

// Shift implements [Graph].
func (g *Drawing) Shift(x *Value, v *Vector) *Value {
	return g.tape().Shift(x, tape.Constant(g.Loaded.vectors[v]))
}

// Condition implements [Graph].
func (g Training) Condition(t *Table) *Value {
	return g.Gather(g.Store.Span(t.names()...), tape.GatherArgs(g.Conditions))
}

// Activate implements [Graph].
func (g Training) Activate(x *Value) *Value { return g.SiLU(x) }

// Adapt implements [Graph].
func (g Training) Adapt(x, mod *Value, scale, shift int, eps float32) *Value {
	return g.Adaptive(x, mod, scale, shift, eps)
}

// Gate implements [Graph].
func (g Training) Gate(residual, x, mod *Value, gate int) *Value {
	return g.Tape.Gate(residual, x, mod, gate)
}

// Shift implements [Graph].
func (g Training) Shift(x *Value, v *Vector) *Value { return g.Tape.Shift(x, g.vector(v)) }

// vector returns a vector, whose parts are stacked.
func (g Training) vector(v *Vector) *Value {
	if v.Parts == nil {
		return g.Store.Value(v.Name)
	}
	parts := make([]*Value, len(v.Parts))
	for i, name := range v.Parts {
		if name != "" {
			parts[i] = g.Store.Value(name)
		}
	}
	return g.Stack(v.N/len(parts), parts...)
}
