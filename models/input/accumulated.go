package input

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/singular"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Scales are the passes of a quantizer of several scales. Each codes what the passes before
// it left over, see packages msvq and star.
type Scales interface {
	// Count is the number of tokens of a pass, and Cells that of places that all passes
	// add up at.
	Count(pass int) int
	Cells() int
	// Add writes what the tokens of a pass, [b·n, words], stand for to out, or adds it.
	Add(r *gpu.Recorder, pass, b int, tokens, out *gpu.Tensor, add bool)
	// Reduce returns sums as a pass sees them.
	Reduce(r *gpu.Recorder, pass, b int, x *gpu.Tensor) *gpu.Tensor
}

// Accumulated is an input of a stage for each pass. A row starts from what the tokens of
// all passes before it add up to, at its own place. That is computed anew in every stage,
// from the tokens alone, and nothing of it learns. A network that trains has the rows of all
// passes at once, see All.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905.
type Accumulated struct {
	Width int // of a sum
	// Scales returns those of a stage, and the pass that the stage predicts.
	Scales func(g nn.Graph, stage int) (Scales, int)
	Word   *nn.Linear // of a sum
	Table  *nn.Table  // of what a row starts from besides
	// Spectrum is by pass what the singular directions of its sums are scaled by, see package
	// singular: below 0 softens the largest, above 0 amplifies them. Nil: they stay. It is for
	// drawing alone.
	Spectrum []float32
}

// Record implements system.Input.
func (a Accumulated) Record(g nn.Graph, stage int) *nn.Value {
	x := g.Embed(a.Table)
	if s, pass := a.Scales(g, stage); pass > 0 {
		t := sum{Scales: s, graph: g, width: a.Width, rows: s.Count(pass)}
		for range pass {
			t.add()
		}
		z := t.reduced()
		if pass < len(a.Spectrum) && a.Spectrum[pass] != 0 {
			scaled := tape.Constant(g.Program().Temp(tensor.F32, z.X.Shape...))
			singular.Scale(g.Program(), singular.Args{X: z.X, B: t.b, Strength: a.Spectrum[pass], Out: scaled.X})
			z = scaled
			g.Mark("scaled", z)
		}
		first := tape.Constant(x.X.View(0, z.X.Rows(), x.X.Dim(-1))) // surplus rows lie behind
		a.Word.Forward(g, z, nn.ProductOptions{Add: first})
	}
	g.Mark("embed", x)
	return x
}

// All records the rows of all passes, of which there are so many, one behind the other in
// every sequence. Word must have no bias, since the rows of the first pass have none.
func (a Accumulated) All(g nn.Graph, stage, passes int) *nn.Value {
	x, p := g.Embed(a.Table), g.Program()
	n := x.X.Rows()
	all := p.Temp(tensor.F32, n, a.Width)
	p.Fill(all, 0)
	s, _ := a.Scales(g, stage)
	t := sum{Scales: s, graph: g, width: a.Width}
	for range passes - 1 {
		t.add()
		z := t.reduced().X
		each := z.Rows() / t.b
		for b := range t.b {
			p.Copy(all.View((b*n/t.b+t.at)*a.Width, each, a.Width), z.View(b*each*a.Width, each, a.Width))
		}
	}
	x = a.Word.Forward(g, tape.Constant(all), nn.ProductOptions{Add: x})
	g.Mark("embed", x)
	return x
}

// sum is what the tokens of some passes add up to.
type sum struct {
	Scales
	graph nn.Graph
	width int
	rows  int // of a sequence
	pass  int // passes and tokens so far
	at    int
	b     int // sequences
	x     *gpu.Tensor
}

// add adds a pass.
func (s *sum) add() {
	r, n := s.graph.Program(), s.Count(s.pass)
	tokens, b := s.graph.Given(s.rows, s.at, n)
	if s.x == nil {
		s.b, s.x = b, r.Temp(tensor.F32, b*s.Cells(), s.width)
	}
	s.Add(r, s.pass, b, tokens, s.x, s.pass > 0)
	s.pass, s.at = s.pass+1, s.at+n
}

// reduced returns the sum as the next pass sees it.
func (s *sum) reduced() *nn.Value {
	z := tape.Constant(s.Reduce(s.graph.Program(), s.pass, s.b, s.x))
	s.graph.Mark("sum", tape.Constant(s.x))
	s.graph.Mark("next", z)
	return z
}
