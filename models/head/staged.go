package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// Staged is a diffusion whose network depends on the stage. All schedules are one table, in the
// order of the parts. Networks that train do not have it yet.
type Staged struct {
	Parts []StagedPart
	table *nn.Constant
}

// StagedPart is the network of a stage.
type StagedPart struct {
	Stage    int
	Net      Network
	Schedule Schedule
	times    *nn.Constant
	first    int // row of the table
}

// NewStaged declares the tables.
func NewStaged(p nn.Params, parts ...StagedPart) *Staged {
	s := &Staged{Parts: parts}
	var passes []refine.Pass
	for i := range parts {
		x := &parts[i]
		x.first, x.times = len(passes), p.Constant(x.Schedule.Times, len(x.Schedule.Times), 1)
		passes = append(passes, x.Schedule.Passes...)
	}
	s.table = p.Constant(refine.Table(passes), len(passes), refine.PassColumns)
	return s
}

// Rows returns the rows [lo, hi) of the table that are part i's.
func (s *Staged) Rows(i int) [2]int32 {
	x := s.Parts[i]
	return [2]int32{int32(x.first), int32(x.first + len(x.Schedule.Passes))}
}

func (s *Staged) part(g nn.Graph) *StagedPart {
	for i := range s.Parts {
		if s.Parts[i].Stage == g.Stage() {
			return &s.Parts[i]
		}
	}
	return &s.Parts[0] // of a stage that draws nothing
}

// packed are the rows of x one behind the other in memory for as many wider ones.
func packed(d *nn.Inference, x *gpu.Tensor, width int) *gpu.Tensor {
	out := d.Temp(tensor.F32, x.Rows(), width)
	d.Copy(out.View(0, x.Shape...), x)
	return out
}

// Logits implements system.Head: what a network is told of the hidden states, see Outputs.
func (s *Staged) Logits(g nn.Graph, h *nn.Value) *nn.Value {
	if idle(g) {
		return nil
	}
	return tape.Constant(packed(g.(*nn.Inference), s.part(g).Net.Condition(g, g.Pick(h, 0)).X, s.Outputs()))
}

// Outputs implements system.Head: the width of the widest network. The others' rows lie packed.
func (s *Staged) Outputs() (most int) {
	for _, x := range s.Parts {
		most = max(most, x.Net.Width())
	}
	return most
}

// Sample implements system.Head. The passes have made the tokens.
func (s *Staged) Sample(_ *nn.Inference, x, _ *gpu.Tensor) *gpu.Tensor { return x.As(tensor.U32) }

// Staged implements system.StagedRefiner.
func (s *Staged) Staged() {}

// Passes implements system.Refiner.
func (s *Staged) Passes() int { return s.table.Dim(0) }

// Prepare implements system.Refiner. A part's rows have its own width, and begin where [Staged.told]
// looks for them.
func (s *Staged) Prepare(g *nn.Inference) *gpu.Tensor {
	out := g.Temp(tensor.F32, s.Passes(), s.Outputs())
	g.Fill(out, 0)
	for i := range s.Parts {
		x := &s.Parts[i]
		g.Copy(out.View(x.first*s.Outputs(), len(x.Schedule.Times), x.Net.Width()), x.Net.Times(g, tape.Constant(g.Constant(x.times))).X)
	}
	return out
}

// told is the part's table of times, of which row i is the table's.
func (s *Staged) told(x *StagedPart, prepared *gpu.Tensor) *gpu.Tensor {
	w := x.Net.Width()
	return prepared.View(x.first*(s.Outputs()-w), x.first+len(x.Schedule.Times), w)
}

// Pass implements system.Refiner.
func (s *Staged) Pass(g *nn.Inference, r *system.Refinement) {
	x := s.part(g)
	n := r.Branches * r.X.Rows()
	y := Told(g, s.told(x, r.Prepared), r.At.View(0, n), r.Logits.View(0, n, x.Net.Width()))
	refine.Step(g.Recorder, refine.StepArgs{State: r.State, Out: x.Net.Say(g, tape.Constant(r.X), y).X, Table: g.Constant(s.table), Recorded: r.Recorded})
}
