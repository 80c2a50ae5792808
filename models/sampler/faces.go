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

// DataWords is the number of words that the constraint reads of a request's surface; 0: none. See
// grammar.Surface.
func (f Faces) DataWords() int { return grammar.SurfaceWords(f.Levels) }

// Mask implements system.Constraint.
func (f Faces) Mask(g *nn.Inference) *gpu.Tensor {
	a := grammar.FacesArgs{Tokens: g.Tokens, Seq: g.Rows.Canvas, Draw: g.Rows.Target, Levels: f.Levels, Start: f.Start}
	mask := grammar.Faces(g.Recorder, a)
	if g.ConstraintData != nil {
		grammar.Surface(g.Recorder, grammar.SurfaceArgs{FacesArgs: a, Guide: g.ConstraintData, Mask: mask})
	}
	return mask
}
