// Package sampler holds rules that mask tokens before they are drawn.
package sampler

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/models/nn"
)

// Faces allows only tokens that continue a valid face sequence, see grammar.Faces. A
// request with a guide keeps to its surface too.
type Faces struct {
	Levels int // ids of a coordinate
	Start  int // position of the first face
}

// Guide is the number of words that the rule reads of a request's surface; 0: none. See
// grammar.Surface.
func (f Faces) Guide() int { return grammar.SurfaceWords(f.Levels) }

// Mask implements system.Rule.
func (f Faces) Mask(g *nn.Drawing) *gpu.Tensor {
	a := grammar.FacesArgs{Tokens: g.Tokens, Seq: g.Rows.Canvas, Draw: g.Rows.Draw, Levels: f.Levels, Start: f.Start}
	mask := grammar.Faces(g.Recorder, a)
	if g.Guides != nil {
		grammar.Surface(g.Recorder, grammar.SurfaceArgs{FacesArgs: a, Guide: g.Guides, Mask: mask})
	}
	return mask
}
