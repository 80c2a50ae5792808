package cube

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/tape"
	"github.com/morton-gen/morton/models/transformer"
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
}

func (t Tokenizer) validate(c Config) error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	if !in(t.Bits, 2, 1024) || t.Bits%2 != 0 || !in(t.Width, 8, 1<<13) || !in(t.Heads, 1, 256) || t.Width%(2*t.Heads) != 0 ||
		!in(t.Hidden, 2, 1<<15) || t.Hidden%2 != 0 || !in(t.Encoder, 0, 64) || !in(t.Decoder, 0, 64) || !in(t.Window, 1, 1024) || t.Window%c.Cell[0] != 0 ||
		t.Window%c.FramesPerCube() != 0 || !(t.RopeTheta >= 1 && t.RopeTheta < 1e12) {
		return fmt.Errorf("cube.Tokenizer: %w: %+v", transformer.ErrConfig, t)
	}
	return nil
}

// cells is the number of cells of a window.
func (c Config) cells() int { return c.Tokenizer.Window / c.Cell[0] * c.gridH() * c.gridW() }

// pixels is the number of values of one cell.
func (c Config) pixels() int { return c.Cell[0] * c.Cell[1] * c.Cell[2] * 3 }

func (c Config) specs() []params.Spec {
	t, px := c.Tokenizer, c.pixels()
	const std, deep = 0.02, 0.006
	out := []params.Spec{
		{Name: "pixels_in.weight", Shape: []int{t.Width, px}, Std: std, Decay: true},
		{Name: "pixels_in.bias", Shape: []int{t.Width}},
		{Name: "code_in.weight", Shape: []int{t.Bits, t.Width}, Std: 0.1, Decay: true},
		{Name: "code_in.bias", Shape: []int{t.Bits}, Std: 0.3},
		{Name: "code_out.weight", Shape: []int{t.Width, t.Bits}, Std: 0.5, Decay: true},
		{Name: "code_out.bias", Shape: []int{t.Width}},
		{Name: "pixels_out.weight", Shape: []int{px, t.Width}, Std: std, Decay: true},
		{Name: "pixels_out.bias", Shape: []int{px}},
	}
	for i := range t.Encoder {
		out = append(out, transformer.BlockSpecs(fmt.Sprintf("encoder.%d.", i), t.Width, t.Hidden, std, deep)...)
	}
	for i := range t.Decoder {
		out = append(out, transformer.BlockSpecs(fmt.Sprintf("decoder.%d.", i), t.Width, t.Hidden, std, deep)...)
	}
	return out
}

// coder is the autoencoder's graph over b windows, for one device.
type coder struct {
	cfg       Config
	b         int
	store     *params.Store
	rope      transformer.Rotary
	axes, key *gpu.Tensor
}

func newCoder(dev *gpu.Device, c Config, b int, training bool) (*coder, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k := &coder{cfg: c, b: b}
	var err error
	if k.store, err = params.New(dev, c.specs(), training); err != nil {
		return nil, err
	}
	t := c.Tokenizer
	dh := t.Width / t.Heads
	third := dh / 6
	if k.rope, err = transformer.NewRotary(dev, dh, []int{dh/2 - 2*third, third, third}, t.RopeTheta); err != nil {
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

func (k *coder) blocks(kind string, n int) []*transformer.Block {
	t := k.cfg.Tokenizer
	var out []*transformer.Block
	for i := range n {
		out = append(out, &transformer.Block{
			Store: k.store, Prefix: fmt.Sprintf("%s.%d.", kind, i), B: k.b, N: k.cfg.cells(),
			Width: t.Width, Heads: t.Heads, Hidden: t.Hidden, Rope: k.rope, Axes: k.axes, Key: k.key,
		})
	}
	return out
}

// stage adds linear -> blocks -> linear to a tape. There is no norm before the
// last linear map: it would take a cell's brightness and contrast out of what the
// code can hold linearly.
func (k *coder) stage(t *tape.Tape, in string, blocks []*transformer.Block, out string, x *tape.Value) *tape.Value {
	linear := func(x *tape.Value, name string) *tape.Value {
		return t.Linear(x, tape.LinearArgs{W: k.store.Value(name + ".weight"), Bias: k.store.Value(name + ".bias")})
	}
	return linear(transformer.Stack(t, blocks, linear(x, in), false), out)
}

// encode returns the values whose signs are the code, [rows, bits].
func (k *coder) encode(t *tape.Tape, x *tape.Value) *tape.Value {
	return k.stage(t, "pixels_in", k.blocks("encoder", k.cfg.Tokenizer.Encoder), "code_in", x)
}

// decode returns pixels of codes, [rows, pixels].
func (k *coder) decode(t *tape.Tape, code *tape.Value) *tape.Value {
	return k.stage(t, "code_out", k.blocks("decoder", k.cfg.Tokenizer.Decoder), "pixels_out", code)
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
