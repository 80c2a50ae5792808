package cube

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/gray"
	"github.com/morton-gen/morton/gpu/ops/loss"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/tape"
)

// Conv describes a convolutional autoencoder. A cell's code is a number of coordinates,
// each rounded to levels of its own. Two paths are added in each direction: a linear map
// of the cell alone, which starts as a cosine transform, and a network that also sees the
// neighbours of the cell and earlier cells. The network works on two grids: fine, of
// four parts of a cell, and that of the cells.
type Conv struct {
	Share   []int `json:"share"`   // bits of each coordinate, see gpu/ops/gray; none: fitted to the first clips
	Fine    int   `json:"fine"`    // width on the fine grid; Tokenizer.Width is that on the cells' grid
	Encoder Depth `json:"encoder"` // none: the linear map alone
	Decoder Depth `json:"decoder"`
}

// Depth is the number of residual blocks on each grid. Blocks on the cells' grid look one
// cell further back in time each.
type Depth struct {
	Fine int `json:"fine"`
	Cell int `json:"cell"`
}

func (v *Conv) validate(c Config) error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	t := c.Tokenizer
	if err := checkShare(v.Share, t.Bits); err != nil {
		return err
	}
	switch {
	case !in(t.Bits, 2, 1024) || t.Bits%2 != 0 || len(v.Share)%2 != 0:
		return fmt.Errorf("cube.Conv: %w: %d coordinates of a code of %d bits", nn.ErrConfig, len(v.Share), t.Bits)
	case !in(v.Fine, 2, 1<<12) || v.Fine%2 != 0 || !in(t.Width, 2, 1<<12) || t.Width%2 != 0 ||
		!in(v.Encoder.Fine, 0, 16) || !in(v.Encoder.Cell, 0, 16) || !in(v.Decoder.Fine, 0, 16) || !in(v.Decoder.Cell, 0, 16):
		return fmt.Errorf("cube.Conv: %w: %+v, width %d", nn.ErrConfig, *v, t.Width)
	case c.Cell[0]%2 != 0 || c.Cell[1]%2 != 0 || c.Cell[2]%2 != 0:
		return fmt.Errorf("cube.Conv: %w: cells of %v, which have no fine grid", nn.ErrConfig, c.Cell)
	case !in(t.Window, 1, 1024) || t.Window%c.FramesPerCube() != 0 || t.Window/c.Cell[0] <= v.lead():
		return fmt.Errorf("cube.Conv: %w: a window of %d frames, of which %d cells are context", nn.ErrConfig, t.Window, v.lead())
	}
	return nil
}

// checkShare checks the bits of the coordinates of a code of l bits; there are none before they
// are fitted.
func checkShare(share []int, l int) error {
	sum := 0
	for _, b := range share {
		if b < 1 || b > gray.MaxBits {
			return fmt.Errorf("cube.Tokenizer: %w: a coordinate of %d bits", nn.ErrConfig, b)
		}
		sum += b
	}
	if len(share) > 0 && sum != l {
		return fmt.Errorf("cube.Tokenizer: %w: coordinates of %d bits in all for %d", nn.ErrConfig, sum, l)
	}
	return nil
}

// lead is the number of cells back in time that a cell's code, or its pixels, depend on.
func (v *Conv) lead() int { return max(v.Encoder.Cell, v.Decoder.Cell) }

// grid is a batch of windows at one resolution.
type grid struct{ b, t, h, w int }

func (g grid) rows() int { return g.b * g.t * g.h * g.w }

// table is how rows of one grid are made of rows of another.
type table struct{ ids, starts, rows *gpu.Tensor }

func newTable(dev *gpu.Device, ids []int32, k, of int) (t table, err error) {
	starts, rows := make([]int32, of+1), make([]int32, len(ids))
	embed.Index(ids, 1, of, starts, rows)
	if t.ids, err = dev.FromI32(ids, len(ids)/k, k); err != nil {
		return t, err
	}
	if t.starts, err = dev.FromI32(starts, len(starts)); err != nil {
		return t, err
	}
	t.rows, err = dev.FromI32(rows, len(rows))
	return t, err
}

func (t table) free() {
	t.ids.Free()
	t.starts.Free()
	t.rows.Free()
}

func (t table) args() tape.GatherArgs {
	return tape.GatherArgs{IDs: t.ids, Starts: t.starts, Rows: t.rows}
}

// around lists for each position the 3 by 3 around it, in back+1 frames that end with its
// own. Outside a picture there is nothing; before the first frame is the first.
func (g grid) around(back int) (ids []int32, k int) {
	for i := range g.rows() {
		x, y, t, b := i%g.w, i/g.w%g.h, i/(g.w*g.h)%g.t, i/(g.w*g.h*g.t)
		for dt := -back; dt <= 0; dt++ {
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					id := -1
					if y+dy >= 0 && y+dy < g.h && x+dx >= 0 && x+dx < g.w {
						id = ((b*g.t+max(t+dt, 0))*g.h+y+dy)*g.w + x + dx
					}
					ids = append(ids, int32(id))
				}
			}
		}
	}
	return ids, 9 * (back + 1)
}

// patches lists for each patch of h by w positions those positions; g is the grid of the
// positions.
func (g grid) patches(h, w int) (ids []int32, k int) {
	for p := range g.rows() / (h * w) {
		px, py, bt := p%(g.w/w), p/(g.w/w)%(g.h/h), p/(g.w/w*(g.h/h))
		for y := range h {
			for x := range w {
				ids = append(ids, int32((bt*g.h+py*h+y)*g.w+px*w+x))
			}
		}
	}
	return ids, h * w
}

// inverse turns a list of positions by patch into the list that puts patches back.
func inverse(ids []int32) []int32 {
	out := make([]int32, len(ids))
	for at, id := range ids {
		out[id] = int32(at)
	}
	return out
}

// convNet is the autoencoder over b windows, on one device.
type convNet struct {
	cfg              Config
	b                int
	px, fine, cell   grid
	coarse           bool // see Options.Coarse
	store            *params.Store
	plan             *gray.Plan
	codes            *gpu.Tensor // u32 [cells, words]: what the decoder alone is trained on; nil without training
	tables           []table
	pxFine, pxCell   table // pixels of a position, side by side
	finePx, cellPx   table // and back
	fineCell, cellUp table
	fineNear         table // the neighbours of a position
	cellNear         table
	cellPast         table // with those of the cell before
}

// values is what a pixel of a cell holds: its colours in each of the cell's frames.
func (c Config) values() int { return 3 * c.Cell[0] }

func newConvNet(dev *gpu.Device, c Config, b int, training bool) (*convNet, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	v := c.Tokenizer.Conv
	if len(v.Share) == 0 {
		return nil, fmt.Errorf("cube.Conv: %w: the coordinates' bits are missing", nn.ErrConfig)
	}
	n := &convNet{cfg: c, b: b}
	t := c.Tokenizer.Window / c.Cell[0]
	n.px = grid{b, t, c.Size, c.Size}
	n.fine = grid{b, t, 2 * c.gridH(), 2 * c.gridW()}
	n.cell = grid{b, t, c.gridH(), c.gridW()}
	var err error
	if n.store, err = params.New(dev, n.specs(), training); err == nil {
		if n.plan, err = gray.NewPlan(dev, v.Share); err == nil {
			err = n.makeTables(dev)
		}
		if err == nil && training {
			n.codes, err = dev.NewTensor(tensor.U32, n.cell.rows(), c.words())
		}
	}
	if err != nil {
		n.free()
		return nil, err
	}
	return n, nil
}

func (n *convNet) makeTables(dev *gpu.Device) error {
	make1 := func(to *table, of int, ids []int32, k int) (err error) {
		*to, err = newTable(dev, ids, k, of)
		n.tables = append(n.tables, *to)
		return err
	}
	c := n.cfg
	for _, p := range []struct {
		there, back *table
		of          grid
		h, w        int
	}{
		{&n.pxFine, &n.finePx, n.px, c.Cell[1] / 2, c.Cell[2] / 2},
		{&n.pxCell, &n.cellPx, n.px, c.Cell[1], c.Cell[2]},
		{&n.fineCell, &n.cellUp, n.fine, 2, 2},
	} {
		ids, k := p.of.patches(p.h, p.w)
		if err := make1(p.there, len(ids), ids, k); err != nil {
			return err
		}
		if err := make1(p.back, len(ids), inverse(ids), 1); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		to   *table
		of   grid
		back int
	}{{&n.fineNear, n.fine, 0}, {&n.cellNear, n.cell, 0}, {&n.cellPast, n.cell, 1}} {
		ids, k := p.of.around(p.back)
		if err := make1(p.to, p.of.rows(), ids, k); err != nil {
			return err
		}
	}
	return nil
}

func (n *convNet) free() {
	if n.store != nil {
		n.store.Free()
	}
	if n.plan != nil {
		n.plan.Free()
	}
	for _, t := range n.tables {
		t.free()
	}
	n.codes.Free()
}

// specs declares the parameters.
func (n *convNet) specs() (out []params.Spec) {
	v, c := n.cfg.Tokenizer.Conv, n.cfg
	width, coords, fine := c.Tokenizer.Width, len(v.Share), v.Fine
	base := func(name string, to, from int) { // without decay: it stays as it is
		out = append(out, params.Spec{Name: name + ".weight", Shape: []int{to, from}, Std: 1 / math.Sqrt(float64(from))}, params.Spec{Name: name + ".bias", Shape: []int{to}})
	}
	linear := func(name string, to, from int, gain float64) {
		// The variance of a linear map's results is gain² times that of its inputs.
		out = append(out, params.Spec{Name: name + ".weight", Shape: []int{to, from}, Std: gain / math.Sqrt(float64(from)), Decay: true},
			params.Spec{Name: name + ".bias", Shape: []int{to}})
	}
	norm := func(name string, n int, value float64) {
		out = append(out, params.Spec{Name: name + ".weight", Shape: []int{n}, Value: value})
	}
	blocks := func(side string, d Depth) {
		for i := range d.Fine {
			name := blockName(side, "fine", i)
			norm(name+".norm", fine, 1)
			linear(name+".first", fine, 9*fine, 1.4)
			linear(name+".second", fine, 9*fine, 0.5)
		}
		for i := range d.Cell {
			name := blockName(side, "cell", i)
			norm(name+".norm", width, 1)
			linear(name+".first", width, 9*width, 1.4)
			linear(name+".second", width, 18*width, 0.5)
		}
	}
	// First steps are as large as the learning rate, whatever the error. The last layers'
	// inputs are small, so that these add little to what the linear paths do.
	const small = 0.1
	patch := c.pixels() / 4
	base("encoder.base", coords, c.pixels())
	if v.Encoder != (Depth{}) {
		linear("encoder.in", fine, patch, 1)
		blocks("encoder", v.Encoder)
		linear("encoder.down", width, 4*fine, 1)
		norm("encoder.norm", width, small)
		linear("encoder.out", coords, width, 0)
	}
	base("decoder.base", c.pixels(), coords)
	linear("decoder.in", width, 9*coords, 1)
	blocks("decoder", v.Decoder)
	linear("decoder.up", 4*fine, width, 1)
	norm("decoder.norm", fine, small)
	linear("decoder.out", patch, 9*fine, 0)
	return out
}

func blockName(side, grid string, i int) string { return fmt.Sprintf("%s.%s.%d", side, grid, i) }

func (n *convNet) linear(t *tape.Tape, x *tape.Value, name string, residual *tape.Value) *tape.Value {
	return t.Linear(x, tape.LinearArgs{W: n.store.Value(name + ".weight"), Bias: n.store.Value(name + ".bias"), Residual: residual})
}

// base is a linear path. It stays as it was fitted: gradients only take it from the best
// linear map, and through the quantiser they move every threshold.
func (n *convNet) base(t *tape.Tape, x *tape.Value, name string) *tape.Value {
	return t.Linear(x, tape.LinearArgs{W: tape.Constant(n.store.Param(name + ".weight")), Bias: tape.Constant(n.store.Param(name + ".bias"))})
}

func (n *convNet) conv(t *tape.Tape, x *tape.Value, near table, name string, residual *tape.Value) *tape.Value {
	return n.linear(t, t.Gather(x, near.args()), name, residual)
}

func (n *convNet) norm(t *tape.Tape, x *tape.Value, name string) *tape.Value {
	return t.RMS(x, n.store.Value(name+".weight"), nn.OwnEps)
}

// block records a residual block. first and second say what its convolutions see.
func (n *convNet) block(t *tape.Tape, x *tape.Value, name string, first, second table) *tape.Value {
	y := n.conv(t, n.norm(t, x, name+".norm"), first, name+".first", nil)
	return n.conv(t, t.SiLU(y), second, name+".second", x)
}

func (n *convNet) fineBlocks(t *tape.Tape, x *tape.Value, side string, d Depth) *tape.Value {
	for i := range d.Fine {
		x = n.block(t, x, blockName(side, "fine", i), n.fineNear, n.fineNear)
	}
	return x
}

func (n *convNet) cellBlocks(t *tape.Tape, x *tape.Value, side string, d Depth) *tape.Value {
	for i := range d.Cell {
		x = n.block(t, x, blockName(side, "cell", i), n.cellNear, n.cellPast)
	}
	return x
}

// encode returns the coordinates of codes before they are rounded, [cells, coordinates],
// of pixels [b·t·h·w, values].
func (n *convNet) encode(t *tape.Tape, px *tape.Value) *tape.Value {
	base := n.base(t, t.Gather(px, n.pxCell.args()), "encoder.base")
	d := n.cfg.Tokenizer.Conv.Encoder
	if d == (Depth{}) {
		return base
	}
	x := n.linear(t, t.Gather(px, n.pxFine.args()), "encoder.in", nil)
	x = n.fineBlocks(t, x, "encoder", d)
	x = n.linear(t, t.Gather(x, n.fineCell.args()), "encoder.down", nil)
	x = n.norm(t, n.cellBlocks(t, x, "encoder", d), "encoder.norm")
	return n.linear(t, x, "encoder.out", base)
}

// decode returns pixels [b·t·h·w, values] of codes [cells, coordinates].
func (n *convNet) decode(t *tape.Tape, code *tape.Value) *tape.Value {
	c, d := n.cfg, n.cfg.Tokenizer.Conv.Decoder
	x := n.cellBlocks(t, n.conv(t, code, n.cellNear, "decoder.in", nil), "decoder", d)
	x = t.Reshape(n.linear(t, x, "decoder.up", nil), n.fine.rows(), c.Tokenizer.Conv.Fine)
	x = n.fineBlocks(t, t.Gather(x, n.cellUp.args()), "decoder", d)
	x = n.conv(t, n.norm(t, x, "decoder.norm"), n.fineNear, "decoder.out", nil)
	x = t.Gather(t.Reshape(x, n.px.rows(), c.values()), n.finePx.args())
	base := t.Reshape(n.base(t, code, "decoder.base"), n.px.rows(), c.values())
	return t.Sum(x, t.Gather(base, n.cellPx.args()))
}

// The weights of the training loss, a mean over pixels in [-1, 1].
const (
	lossSquare = 1.0
	lossSize   = 0.05
	lossSlope  = 0.05
)

// recordTraining records the loss of the autoencoder against its input, f32 [b·t·h], and
// its gradients if any are wanted. The decoder alone decodes n.codes.
func (n *convNet) recordTraining(r *gpu.Recorder, px, rows *gpu.Tensor, gradients part) {
	training := gradients != noGradients
	t := tape.New(r, training)
	t.Coarse = training && n.coarse
	var code *tape.Value
	if gradients == decoderOnly {
		x := r.Temp(tensor.F32, n.cell.rows(), len(n.cfg.Tokenizer.Conv.Share))
		gray.Expand(r, gray.ExpandArgs{Bits: n.codes, Plan: n.plan, Code: x})
		code = tape.Constant(x)
	} else {
		code = t.Gray(n.encode(t, tape.Constant(px)), n.plan)
	}
	y := n.decode(t, code)
	k := 1 / float32(px.Elems())
	a := loss.PixelsArgs{H: n.px.h, W: n.px.w, Y: px, Loss: rows, Square: k}
	if training {
		a.Size, a.Slope = lossSize*k, lossSlope*k
	}
	t.Pixels(y, a)
	t.Backward()
}
