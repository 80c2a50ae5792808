package head

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Stages draws indices with a softmax of each stage's own. Networks that train do not have it
// yet.
type Stages []Softmax

// Logits implements system.Head.
func (s Stages) Logits(g nn.Graph, h *nn.Value) *nn.Value { return s[g.Stage()].Logits(g, h) }

// Join implements system.Joiner: plain guidance, of as many logits as the stage has.
func (s Stages) Join(g *nn.Inference, logits *gpu.Tensor) *gpu.Tensor {
	out := g.Temp(tensor.F32, g.Targets(), logits.Dim(-1))
	sample.Combine(g.Recorder, sample.CombineArgs{X: logits, Picks: g.Rows.Picks, Scale: g.Rows.Scale, Out: out})
	return out
}

// Outputs implements system.Head.
func (s Stages) Outputs() (most int) {
	for _, x := range s {
		most = max(most, x.Outputs())
	}
	return most
}

// Sample implements system.Head.
func (s Stages) Sample(g *nn.Inference, logits, mask *gpu.Tensor) *gpu.Tensor {
	return s[g.Stage()].Sample(g, logits, mask)
}
