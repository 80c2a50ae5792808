package input

import (
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// Filtered is an input of a square map of tokens, of which a stage passes on the low
// frequencies: the map is averaged down to the stage's side and brought back by cubic
// interpolation. A row is a linear map of what is left, and embeddings of its ids, with a
// norm behind. Rows of a sequence are Behind others and then the map. Networks that train do
// not have it yet.
//
// Source: Yu et al., "Frequency Autoregressive Image Generation with Continuous Tokens",
// 2025, arXiv:2503.05305, section 3.
type Filtered struct {
	Side, Behind int
	Sides        []int // by stage; 0: the rows are fed nothing
	Table        *nn.Table
	Numbers      *nn.Matrix
	Norm         *nn.LayerNorm
}

// Record implements system.Input.
func (f Filtered) Record(g nn.Graph, stage int) *nn.Value {
	x := g.Numbers()
	if side := f.Sides[stage]; side > 0 {
		f.filter(g.(*nn.Inference), x, side)
	}
	x = g.LayerNorm(g.Product(x, f.Numbers, nn.ProductOptions{Add: g.Embed(f.Table)}), f.Norm)
	g.Mark("known.norm", x)
	return x
}

// filter filters the map of every sequence in place.
func (f Filtered) filter(d *nn.Inference, x *nn.Value, side int) {
	cells, c := f.Side*f.Side, x.X.Dim(-1)
	each := (f.Behind + cells) * c
	b := x.X.Elems() / each // surplus rows lie behind
	maps, small := d.Temp(tensor.F32, b, cells*c), d.Temp(tensor.F32, b, side*side*c)
	rows.Cut(d.Recorder, rows.CutArgs{X: x.X.View(0, b, each), Out: maps, From: f.Behind * c})
	down := resize.Shape{B: b, H: f.Side, W: f.Side, C: c, To: [3]int{1, side, side}}
	resize.Record(d.Recorder, resize.Args{Shape: down, Mode: resize.Area, X: maps, Out: small})
	up := resize.Shape{B: b, H: side, W: side, C: c, To: [3]int{1, f.Side, f.Side}}
	resize.Record(d.Recorder, resize.Args{Shape: up, Mode: resize.Cubic, X: small, Out: maps})
	for i := range b {
		d.Copy(x.X.View(i*each+f.Behind*c, cells*c), maps.View(i*cells*c, cells*c))
	}
	d.Mark("filtered", tape.Constant(maps))
}
