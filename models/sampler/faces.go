// Package sampler holds what acts between logits and tokens.
package sampler

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/models/nn"
)

// Faces keeps what is drawn to the rules of face sequences, see grammar.Faces.
type Faces struct {
	Levels int // ids of a coordinate
	Start  int // position of the first face
}

// Mask implements system.Rule.
func (f Faces) Mask(g *nn.Drawing) *gpu.Tensor {
	return grammar.Faces(g.Recorder, grammar.FacesArgs{Tokens: g.Tokens, Seq: g.Rows.Canvas, Draw: g.Rows.Draw, Levels: f.Levels, Start: f.Start})
}
