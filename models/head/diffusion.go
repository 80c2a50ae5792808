package head

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// Diffusion draws a token of real numbers by denoising it, in passes of a table that may
// hold several schedules. The hidden state is the condition. Guidance acts on what the
// denoiser says.
type Diffusion struct {
	Net Network
	// Renorm keeps guidance from growing over a whole map of tokens, see refine.Renorm; nil:
	// it may grow.
	Renorm       *Renorm
	times, table *nn.Constant
	teacher      teacher
}

// Renorm says how guidance is scaled back.
type Renorm struct {
	Least  float32 // factor at least
	Tokens int     // of a map
}

// Network is a small network over single tokens.
type Network interface {
	// Width is the width of what it is told.
	Width() int
	// Condition records what hidden states tell it, and Times what times do, f32 [n, 1]:
	// [n, width].
	Condition(g nn.Graph, z *nn.Value) *nn.Value
	Times(g nn.Graph, t *nn.Value) *nn.Value
	// Say records what it says of tokens, f32 [m, c], in each branch: [b·m, says]. Both
	// branches see the same tokens. y is SiLU of time and condition, [b·m, width].
	Say(g nn.Graph, x, y *nn.Value) *nn.Value
}

// NewDiffusion declares the table of some schedules, one behind the other.
func NewDiffusion(p nn.Params, net Network, schedules ...Schedule) *Diffusion {
	var times []float32
	var passes []refine.Pass
	for _, s := range schedules {
		times, passes = append(times, s.Times...), append(passes, s.Passes...)
	}
	return &Diffusion{Net: net, times: p.Constant(times, len(times), 1), table: p.Constant(refine.Table(passes), len(passes), refine.PassColumns)}
}

// Logits implements system.Head: the part of the hidden state in what the denoiser is told.
func (d *Diffusion) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	z := g.Pick(h, 0)
	g.Mark("z", z)
	return d.Net.Condition(g, z)
}

// Outputs implements system.Head.
func (d *Diffusion) Outputs() int { return d.Net.Width() }

// Sample implements system.Head. The passes have made the tokens.
func (d *Diffusion) Sample(_ *nn.Inference, x, _ *gpu.Tensor) *gpu.Tensor { return x.As(tensor.U32) }

// Passes implements system.Refiner.
func (d *Diffusion) Passes() int { return d.times.Dim(0) }

// Map implements system.MappedRefiner.
func (d *Diffusion) Map() int {
	if d.Renorm == nil {
		return 0
	}
	return d.Renorm.Tokens
}

// Prepare implements system.Refiner.
func (d *Diffusion) Prepare(g *nn.Inference) *gpu.Tensor {
	return d.Net.Times(g, tape.Constant(g.Constant(d.times))).X
}

// Pass implements system.Refiner.
func (d *Diffusion) Pass(g *nn.Inference, r *system.Refinement) {
	n := r.Branches * r.X.Rows()
	said := d.Net.Say(g, tape.Constant(r.X), Told(g, r.Prepared, r.At.View(0, n), r.Logits)).X
	a := refine.StepArgs{State: r.State, Out: said, Table: g.Constant(d.table), Recorded: r.Recorded, Draft: r.Draft}
	if d.Renorm != nil && r.Branches > 1 {
		a.Back = g.Temp(tensor.F32, r.X.Rows())
		refine.Renorm(g.Recorder, refine.RenormArgs{State: a.State, Out: a.Out, Table: a.Table, Rest: r.Rest, Least: d.Renorm.Least, Recorded: a.Recorded, Back: a.Back})
	}
	refine.Step(g.Recorder, a)
}

// Proposes implements system.ProposingRefiner.
func (d *Diffusion) Proposes() {}

// Bank is a schedule of a refiner's default, and others of every length from Least to
// Most, in one table.
type Bank struct{ Default, Least, Most int }

// Rows returns the rows [lo, hi) of the schedule of a length; 0 means the default.
func (b Bank) Rows(length int) (lo, hi int32, err error) {
	switch {
	case length == 0:
		return 0, int32(b.Default), nil
	case length < b.Least || length > b.Most:
		return 0, 0, fmt.Errorf("head: %w: %d passes, from %d to %d", system.ErrPrompt, length, b.Least, b.Most)
	}
	lo = int32(b.Default)
	for n := b.Least; n < length; n++ {
		lo += int32(n)
	}
	return lo, lo + int32(length), nil
}
