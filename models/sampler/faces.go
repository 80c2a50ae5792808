// Package sampler holds rules that mask tokens before they are drawn.
package sampler

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/models/nn"
)

// Faces allows only tokens that continue a valid face sequence, see grammar.Faces.
type Faces struct {
	Levels int // ids of a coordinate
	Start  int // position of the first face
}

// Mask implements system.Rule.
func (f Faces) Mask(g *nn.Drawing) *gpu.Tensor {
	return grammar.Faces(g.Recorder, grammar.FacesArgs{Tokens: g.Tokens, Seq: g.Rows.Canvas, Draw: g.Rows.Draw, Levels: f.Levels, Start: f.Start})
}
