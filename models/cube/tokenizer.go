package cube

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
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
		{Name: "encoder_norm.weight", Shape: []int{t.Width}, Value: 1},
		{Name: "code_in.weight", Shape: []int{t.Bits, t.Width}, Std: 0.1, Decay: true},
		{Name: "code_out.weight", Shape: []int{t.Width, t.Bits}, Std: 0.5, Decay: true},
		{Name: "code_out.bias", Shape: []int{t.Width}},
		{Name: "decoder_norm.weight", Shape: []int{t.Width}, Value: 1},
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

// stage is linear -> blocks -> norm -> linear, with its backward pass.
type stage struct {
	in, inBias, gain, out, outBias string // parameter names; biases may be empty
	blocks                         []*transformer.Block
}

func (k *coder) encoder() stage {
	return stage{"pixels_in.weight", "pixels_in.bias", "encoder_norm.weight", "code_in.weight", "", k.blocks("encoder", k.cfg.Tokenizer.Encoder)}
}

func (k *coder) decoder() stage {
	return stage{"code_out.weight", "code_out.bias", "decoder_norm.weight", "pixels_out.weight", "pixels_out.bias", k.blocks("decoder", k.cfg.Tokenizer.Decoder)}
}

func (k *coder) param(name string) *gpu.Tensor {
	if name == "" {
		return nil
	}
	return k.store.Param(name)
}

func (k *coder) grad(name string) *gpu.Tensor {
	if name == "" {
		return nil
	}
	return k.store.Grad(name)
}

// forward adds a stage and returns its output and its backward pass, which takes
// the output's gradient and fills dx, if that is not nil.
func (k *coder) forward(r *gpu.Recorder, s stage, x, y *gpu.Tensor) (back func(dy, dx *gpu.Tensor)) {
	n, w := k.rows(), k.cfg.Tokenizer.Width
	temp := func(shape ...int) *gpu.Tensor { return r.Temp(tensor.F32, shape...) }
	h0, h1, rstd := temp(n, w), temp(n, w), temp(n)
	transformer.Linear(r, x, k.param(s.in), k.param(s.inBias), h0)
	h, stackBack := transformer.Stack(r, s.blocks, h0)
	norm.RMS(r, norm.RMSArgs{X: h, Gain: k.param(s.gain), Out: h1, RStd: rstd})
	transformer.Linear(r, h1, k.param(s.out), k.param(s.outBias), y)
	return func(dy, dx *gpu.Tensor) {
		dh1, dh := temp(n, w), temp(n, w)
		transformer.LinearGrad(r, h1, k.param(s.out), dy, dh1, k.grad(s.out), k.grad(s.outBias))
		norm.RMSGrad(r, norm.RMSGradArgs{X: h, Gain: k.param(s.gain), RStd: rstd, DOut: dh1, DX: dh, DGain: k.grad(s.gain)})
		stackBack(dh)
		transformer.LinearGrad(r, x, k.param(s.in), dh, dx, k.grad(s.in), k.grad(s.inBias))
	}
}

// recordTraining adds the whole autoencoder with its squared error against its
// input; loss is f32 [rows]. With backward it adds the gradients too, straight
// through the quantiser.
func (k *coder) recordTraining(r *gpu.Recorder, x, loss *gpu.Tensor, backward bool) {
	n, l, px := k.rows(), k.cfg.Tokenizer.Bits, k.cfg.pixels()
	z, code, rnorm, y := r.Temp(tensor.F32, n, l), r.Temp(tensor.F32, n, l), r.Temp(tensor.F32, n), r.Temp(tensor.F32, n, px)
	encBack := k.forward(r, k.encoder(), x, z)
	bsq.Quantize(r, bsq.QuantizeArgs{Z: z, Code: code, RNorm: rnorm})
	decBack := k.forward(r, k.decoder(), code, y)
	mean := float32(1) / float32(n*px)
	if !backward {
		elementwise.MSE(r, elementwise.MSEArgs{X: y, Y: x, Weight: mean, Loss: loss})
		return
	}
	dcode, dz := r.Temp(tensor.F32, n, l), r.Temp(tensor.F32, n, l)
	elementwise.MSE(r, elementwise.MSEArgs{X: y, Y: x, Weight: mean, Loss: loss, DX: y})
	decBack(y, dcode)
	bsq.QuantizeGrad(r, bsq.QuantizeGradArgs{Z: z, RNorm: rnorm, DCode: dcode, DZ: dz, CommitWeight: commitWeight})
	encBack(dz, nil)
}

// commitWeight pulls z towards its code, so that the straight-through gradient
// stays honest.
const commitWeight = 0.02
