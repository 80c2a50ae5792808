package nn

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tape"
)

// Accumulator is what a network is fed that predicts scale by scale: what the tokens of
// earlier scales add up to, at the size of its own. Stage k of the network is scale k. All
// rows of a scale together are fed all tokens before it, in order, Fed tokens a row. So a
// step depends on tokens alone, and training needs nothing more than rows.
type Accumulator struct {
	*Residual
	Fed    int       // fed tokens of a row
	codes  *Constant // [base + fed·(v+1), c]: by id
	weight *Constant
	stages []accumulation // the first is empty
}

// accumulation is how a scale's input is made.
type accumulation struct{ up, bias, down *Constant }

// FedTokens returns the tokens that a row of any scale is fed at most.
func (q *Residual) FedTokens() int {
	most := 1
	for k, s := range q.Sides {
		most = max(most, (q.Start(k)+s*s-1)/(s*s))
	}
	return most
}

// Accumulator declares the tables of an accumulator. Ids of fed tokens begin at base.
func (p Params) Accumulator(q *Residual, base int) *Accumulator {
	a := &Accumulator{Residual: q, Fed: q.FedTokens(), stages: make([]accumulation, len(q.Sides))}
	codes := make([]float32, base*q.Channels)
	for range a.Fed {
		codes = append(append(codes, q.Codebook...), make([]float32, q.Channels)...)
	}
	a.codes = p.Constant(codes, len(codes)/q.Channels, q.Channels)
	a.weight = p.Constant(q.Weight(), q.Channels, 9, len(q.Phis)*q.Channels)
	taps := func(t Taps) *Constant { return p.Constant(t.X, t.Rows, t.Width, 2) }
	for k := 1; k < len(q.Sides); k++ {
		a.stages[k] = accumulation{up: taps(q.Up(0, k)), bias: p.Constant(q.Bias(0, k), q.Channels), down: taps(q.Down(k))}
	}
	return a
}

// Floats bounds the temporaries of a row of the largest scale.
func (a *Accumulator) Floats() int { return (10*len(a.Phis) + a.Fed + 2) * a.Channels }

// accumulate is a recording of one or more scales.
type accumulate struct {
	*gpu.Recorder
	*Accumulator
	constant func(*Constant) *gpu.Tensor
	mark     func(name string, x *Value)
	b        int
	codes    *gpu.Tensor // f32 [b·n·fed, c]
	out      *gpu.Tensor // f32 [b·n, c]
	n        int         // rows of a sample
}

// lookUp gathers the codes that rows are fed, by the last ids of each.
func (a *accumulate) lookUp(ids *gpu.Tensor) {
	cols := ids.Dim(-1)
	a.codes = a.Temp(tensor.F32, a.b*a.n, a.Fed*a.Channels)
	at := cols - a.Fed
	rows.Gather(a.Recorder, rows.GatherArgs{X: a.constant(a.Accumulator.codes), IDs: ids.View(at, ids.Elems()-at), Out: a.codes, LD: cols})
}

// scale records the rows of scale k, which begin at row first of each sample.
func (a *accumulate) scale(k, first int) {
	s, c := a.stages[k], a.Channels
	at := first * a.Fed * c
	f := a.Record(a.Recorder, AccumulateArgs{
		B: a.b, Codes: a.codes.View(at, a.codes.Elems()-at), Tokens: a.n * a.Fed, Up: a.constant(s.up), Weight: a.constant(a.weight), Bias: a.constant(s.bias),
	})
	a.mark(fmt.Sprint("f_hat", k-1), tape.Constant(f))
	rows.Blend(a.Recorder, rows.BlendArgs{
		X: f, Taps: a.constant(s.down), Out: a.out.View(first*c, a.out.Elems()-first*c), D: c, B: a.b, XRows: a.Side() * a.Side(), OutRows: a.n,
	})
}

// Accumulate implements [Graph]. All lanes have the rows of one scale.
func (g *Drawing) Accumulate(a *Accumulator) *Value {
	out := g.temp(g.n(), a.Channels)
	k := g.Stage()
	if k == 0 {
		g.Fill(out.X, 0)
		return out
	}
	if n := a.Sides[k] * a.Sides[k]; g.Group != n {
		g.Fail(fmt.Errorf("nn.Accumulate: %w: lanes of %d rows, scale %d has %d", gpu.ErrShape, g.Group, k, n))
		return out
	}
	x := accumulate{Recorder: g.Recorder, Accumulator: a, constant: g.Constant, mark: g.Mark, b: g.samples(), out: out.X, n: g.Group}
	x.lookUp(g.Rows.IDs)
	x.scale(k, 0)
	return out
}

// Accumulate implements [Graph]. Sequences have the rows of all scales. Nothing of it
// learns.
func (g Training) Accumulate(a *Accumulator) *Value {
	r := g.Recorder()
	out := r.Temp(tensor.F32, g.B*g.N, a.Channels)
	r.Fill(out, 0)
	x := accumulate{Recorder: r, Accumulator: a, constant: g.Constants.get, mark: g.Mark, b: g.B, out: out, n: g.N}
	x.lookUp(g.IDs)
	for k := 1; k < len(a.Sides); k++ {
		x.scale(k, a.Start(k))
	}
	return tape.Constant(out)
}

// Constants are the constants of a network that trains.
type Constants struct{ of map[*Constant]*gpu.Tensor }

// NewConstants puts the constants of a network on the device.
func NewConstants(dev *gpu.Device, l *List) (*Constants, error) {
	c := &Constants{map[*Constant]*gpu.Tensor{}}
	for _, x := range l.all {
		if x, ok := x.(*Constant); ok {
			t, err := dev.FromF32(x.x, x.shape...)
			if err != nil {
				c.Free()
				return nil, err
			}
			c.of[x] = t
		}
	}
	return c, nil
}

func (c *Constants) get(x *Constant) *gpu.Tensor { return c.of[x] }

// Free gives the memory back.
func (c *Constants) Free() {
	if c == nil {
		return
	}
	for _, t := range c.of {
		t.Free()
	}
}
