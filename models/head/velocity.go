package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Velocity moves tokens of real numbers by one pass, where the whole network is the
// denoiser. The hidden state says the velocity from token to noise. In stage 0 a draw moves
// from noise, in others from the token that its row is fed. The pass is a coordinate of the
// row. Guidance acts on the velocity.
//
// Source: Ren et al., "Beyond Next-Token: Next-X Prediction for Autoregressive Visual
// Generation", 2025, arXiv:2502.20388.
type Velocity struct {
	Linear
	Axis  int // the coordinate that is the pass
	table *nn.Constant
}

// NewVelocity declares the table of a schedule.
func NewVelocity(p nn.Params, out Linear, axis int, s Schedule) *Velocity {
	return &Velocity{out, axis, p.Constant(refine.Table(s.Passes), len(s.Passes), refine.PassColumns)}
}

// Sample implements system.Head.
func (v *Velocity) Sample(g *nn.Inference, velocity, _ *gpu.Tensor) *gpu.Tensor {
	m, c := g.Targets(), velocity.Dim(-1)
	s := &refine.State{
		X: g.Temp(tensor.F32, m, c), At: g.Temp(tensor.I32, 2*m), Draw: g.Temp(tensor.U32, m, g.Rows.Target.Dim(-1)), Info: g.Temp(tensor.F32, m, 4),
	}
	refine.Begin(g.Recorder, refine.BeginArgs{State: s, Draw: g.Rows.Target, Temp: g.Rows.Temp, Scale: g.Rows.Scale, Canvas: g.Rows.Canvas, Recorded: g.Recorded})
	picks := g.Rows.Picks.View(0, m)
	if g.Stage() > 0 {
		rows.Gather(g.Recorder, rows.GatherArgs{X: g.Numbers().X, IDs: picks, Out: s.X})
	}
	pass := g.Coordinate(v.Axis, 1)
	rows.Gather(g.Recorder, rows.GatherArgs{X: pass.As(tensor.F32).View(0, pass.Elems(), 1), IDs: picks, Out: s.At.As(tensor.F32).View(0, m, 1)})
	refine.Step(g.Recorder, refine.StepArgs{State: s, Out: velocity.View(0, m, c), Table: g.Constant(v.table), Recorded: g.Recorded})
	return s.X.As(tensor.U32)
}
