package input

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// Scales is a quantizer of several scales, see package msvq.
type Scales interface {
	// Look returns what the tokens of scale k stand for at the last scale, before
	// refinement.
	Look(r *gpu.Recorder, k, b int, ids *gpu.Tensor) *gpu.Tensor
	// Refine writes the refinement of x to out, or adds it.
	Refine(r *gpu.Recorder, k, b int, x, out *gpu.Tensor, add bool)
	// Reduce returns feature maps as scale k sees them.
	Reduce(r *gpu.Recorder, k, b int, x *gpu.Tensor) *gpu.Tensor
}

// Accumulated is an input of a stage for each scale, behind one for the condition. A row
// starts from what the tokens of all scales before it add up to, at its own place. That
// is computed anew in every stage, from the tokens alone, and nothing of it learns. A network
// that trains has the rows of all scales in one pass.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905.
type Accumulated struct {
	Sides     []int // of the scales
	Width     int   // of a code
	Quantizer func(g nn.Graph) Scales
	Word      *nn.Matrix // of an accumulated code
	Table     *nn.Table  // of conditions, levels, places and the bias of Word
}

// Record implements system.Input. Stage 0 is the condition's, and stage k+1 that of scale
// k. In system.AllStages a sequence has the rows of all scales.
func (a Accumulated) Record(g nn.Graph, stage int) *nn.Value {
	x := g.Embed(a.Table)
	switch {
	case stage == 0:
		return g.SiLU(x)
	case stage == system.AllStages:
		x = g.Product(a.all(g, x.X.Rows()), a.Word, nn.ProductOptions{Add: x})
	case stage > 1:
		z := a.next(g, stage-1)
		first := tape.Constant(x.X.View(0, z.X.Rows(), x.X.Dim(-1))) // surplus rows lie behind
		g.Product(z, a.Word, nn.ProductOptions{Add: first})
	}
	g.Mark("embed", x)
	return x
}

// next returns what the tokens before scale k add up to, at the places of the scale.
func (a Accumulated) next(g nn.Graph, k int) *nn.Value {
	q := a.Quantizer(g)
	s := sum{Accumulated: a, graph: g, scales: q, rows: a.Sides[k] * a.Sides[k]}
	for range k {
		s.add()
	}
	return s.reduced()
}

// all returns for all scales what the tokens before add up to, at the n rows of all
// sequences.
func (a Accumulated) all(g nn.Graph, n int) *nn.Value {
	p := g.Program()
	out := p.Temp(tensor.F32, n, a.Width)
	p.Fill(out, 0)
	s := sum{Accumulated: a, graph: g, scales: a.Quantizer(g)}
	for range len(a.Sides) - 1 {
		at := s.add()
		z := s.reduced().X
		each := z.Rows() / s.b
		for b := range s.b {
			p.Copy(out.View((b*n/s.b+at)*a.Width, each, a.Width), z.View(b*each*a.Width, each, a.Width))
		}
	}
	return tape.Constant(out)
}

// sum is what the tokens of some scales add up to, at the last scale.
type sum struct {
	Accumulated
	graph  nn.Graph
	scales Scales
	rows   int // of a sequence
	k, at  int // scales and tokens so far
	b      int // sequences
	x      *gpu.Tensor
}

// add adds a scale, and returns the number of tokens up to there.
func (s *sum) add() int {
	p, last := s.Sides[s.k], s.Sides[len(s.Sides)-1]
	r := s.graph.Program()
	ids, b := s.graph.Given(s.rows, s.at, p*p)
	if s.x == nil {
		s.b, s.x = b, r.Temp(tensor.F32, b*last*last, s.Width)
	}
	s.scales.Refine(r, s.k, b, s.scales.Look(r, s.k, b, ids.View(0, ids.Elems())), s.x, s.k > 0)
	s.k, s.at = s.k+1, s.at+p*p
	return s.at
}

// reduced returns the sum as the next scale sees it.
func (s *sum) reduced() *nn.Value {
	z := tape.Constant(s.scales.Reduce(s.graph.Program(), s.k, s.b, s.x))
	s.graph.Mark("sum", tape.Constant(s.x))
	s.graph.Mark("next", z)
	return z
}
