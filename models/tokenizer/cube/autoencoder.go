package cube

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/tape"
)

// Tokenizer describes the autoencoder that gives every cell its code: pixels ->
// blocks over all cells of a window -> l bits -> blocks -> pixels. Windows are
// coded each on its own, so memory does not grow with a clip.
type Tokenizer struct {
	Bits      int     `json:"bits"` // l, of one cell's code
	Width     int     `json:"width"`
	Heads     int     `json:"heads"`
	Hidden    int     `json:"hidden"`
	Encoder   int     `json:"encoder"` // blocks
	Decoder   int     `json:"decoder"`
	Window    int     `json:"window"` // frames coded together
	RopeTheta float64 `json:"rope_theta"`
	// Conv, if set, is a convolutional autoencoder. Of the fields above it has Bits,
	// Width and Window.
	Conv *Conv `json:"conv,omitempty"`
	// Motion, if set, is a tokenizer that predicts frames. Of the fields above it has Bits.
	Motion *Motion `json:"motion,omitempty"`
}

func (t Tokenizer) validate(c Config) error {
	if t.Motion != nil {
		return t.Motion.validate(c)
	}
	if t.Conv != nil {
		return t.Conv.validate(c)
	}
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	if !in(t.Bits, 2, 1024) || t.Bits%2 != 0 || !in(t.Width, 8, 1<<13) || !in(t.Heads, 1, 256) || t.Width%(2*t.Heads) != 0 ||
		!in(t.Hidden, 2, 1<<15) || t.Hidden%2 != 0 || !in(t.Encoder, 0, 64) || !in(t.Decoder, 0, 64) || !in(t.Window, 1, 1024) || t.Window%c.Cell[0] != 0 ||
		t.Window%c.FramesPerCube() != 0 || !(t.RopeTheta >= 1 && t.RopeTheta < 1e12) {
		return fmt.Errorf("cube.Tokenizer: %w: %+v", nn.ErrConfig, t)
	}
	return nil
}

// cells is the number of cells of a window.
func (c Config) cells() int { return c.Tokenizer.Window / c.Cell[0] * c.gridH() * c.gridW() }

// pixels is the number of values of one cell.
func (c Config) pixels() int { return c.Cell[0] * c.Cell[1] * c.Cell[2] * 3 }

// linear is a linear map with a bias.
type linear struct {
	w    *nn.Matrix
	bias *nn.Vector
}

func (l linear) record(g nn.Graph, x *nn.Value) *nn.Value {
	return g.Product(x, l.w, nn.ProductOptions{Bias: l.bias})
}

// autoencoder is the network: pixels -> blocks -> bits, and bits -> blocks -> pixels.
type autoencoder struct {
	params                               *nn.List
	pixelsIn, codeIn, codeOut, pixelsOut linear
	encoder, decoder                     nn.Stack
}

// declare declares the autoencoder's parameters.
func (c Config) declare() *autoencoder {
	t, px, p := c.Tokenizer, c.pixels(), nn.NewParams()
	const std, deep = 0.02, 0.006
	dense := func(out, in int, std, biasStd float64, name string) linear {
		l := linear{p.Matrix(out, in, nn.Init{Std: std}, name+".weight"), p.Vector(out, 0, name+".bias")}
		l.bias.Std = biasStd
		return l
	}
	a := &autoencoder{params: p.List()}
	a.pixelsIn = dense(t.Width, px, std, 0, "pixels_in")
	a.codeIn = dense(t.Bits, t.Width, 0.1, 0.3, "code_in")
	a.codeOut = dense(t.Width, t.Bits, 0.5, 0, "code_out")
	a.pixelsOut = dense(px, t.Width, std, 0, "pixels_out")
	dh := t.Width / t.Heads
	third := dh / 6
	size := nn.BlockSize{
		Width: t.Width, Heads: t.Heads, Hidden: t.Hidden, Std: std, Deep: deep,
		Rope: &nn.Rope{Pairs: []int{dh/2 - 2*third, third, third}, Theta: t.RopeTheta},
	}
	for i := range t.Encoder {
		a.encoder = append(a.encoder, p.In("encoder.%d.", i).OwnBlock(size))
	}
	for i := range t.Decoder {
		a.decoder = append(a.decoder, p.In("decoder.%d.", i).OwnBlock(size))
	}
	return a
}

// coder is the autoencoder's graph over b windows, for one device.
type coder struct {
	cfg       Config
	b         int
	net       *autoencoder
	store     *params.Store
	rope      *nn.Tables
	axes, key *gpu.Tensor
}

func newCoder(dev *gpu.Device, c Config, b int, training bool) (*coder, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k := &coder{cfg: c, b: b, net: c.declare()}
	var err error
	if k.store, err = params.New(dev, k.net.params.Specs(), training); err != nil {
		return nil, err
	}
	if k.rope, err = nn.NewTables(dev, k.net.params, nil); err != nil {
		return nil, err
	}
	n := c.cells()
	var axes []int32
	for range b {
		for i := range n {
			axes = append(axes, int32(i/(c.gridH()*c.gridW())), int32(i/c.gridW()%c.gridH()), int32(i%c.gridW()))
		}
	}
	if k.axes, err = dev.FromI32(axes, b*n, 3); err != nil {
		return nil, err
	}
	k.key, err = dev.FromI32(make([]int32, b*n), b, n) // every cell sees its whole window
	return k, err
}

func (k *coder) free() {
	k.store.Free()
	k.rope.Free()
	k.axes.Free()
	k.key.Free()
}

func (k *coder) rows() int { return k.b * k.cfg.cells() }

// graph records to a tape.
func (k *coder) graph(t *tape.Tape) nn.Training {
	return nn.Training{Tape: t, Store: k.store, B: k.b, N: k.cfg.cells(), Axes: k.axes, Key: k.key, Tables: k.rope}
}

// encode returns the values whose signs are the code, [rows, bits]. There is no norm
// before the last linear map. A norm would take a cell's brightness and contrast away
// from the code.
func (k *coder) encode(t *tape.Tape, x *tape.Value) *tape.Value {
	g := k.graph(t)
	return k.net.codeIn.record(g, k.net.encoder.Forward(g, k.net.pixelsIn.record(g, x)))
}

// decode returns pixels of codes, [rows, pixels].
func (k *coder) decode(t *tape.Tape, code *tape.Value) *tape.Value {
	g := k.graph(t)
	return k.net.pixelsOut.record(g, k.net.decoder.Forward(g, k.net.codeOut.record(g, code)))
}

// part says which gradients a training program adds.
type part int

const (
	noGradients part = iota
	decoderOnly
	wholeNetwork
)

// recordTraining adds the whole autoencoder with its squared error against its
// input; loss is f32 [rows]. It adds the wanted gradients too, straight through
// the quantiser. There is no commitment term: it pulls every bit's value
// to one size, and thresholds lie at all distances.
func (k *coder) recordTraining(r *gpu.Recorder, x, loss *gpu.Tensor, gradients part) {
	t := tape.New(r, gradients != noGradients)
	code := t.Quantize(k.encode(t, tape.Constant(x)))
	if gradients == decoderOnly {
		code = tape.Constant(code.X)
	}
	y := k.decode(t, code)
	t.MSE(y, x, float32(1)/float32(y.X.Elems()), loss)
	t.Backward()
}
