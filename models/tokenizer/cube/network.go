package cube

import (
	"github.com/morton-gen/morton/codecs/clip"
	codec "github.com/morton-gen/morton/codecs/cube"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/gray"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/tape"
)

// network is an autoencoder over a batch of windows, on one device.
type network interface {
	parameters() *params.Store
	free()
	// lead is the number of frames at the start of a window that are context: what
	// comes of them is exact only at the start of a clip.
	lead() int
	// extents are those of the network's input, for the whole batch.
	extents() [2]int
	// load puts a window's pixels in the network's order into x, and unload takes them
	// out again.
	load(x []float32, w *clip.Clip) error
	unload(w *clip.Clip, x []float32) error
	// recordCode records pixels to bits, u32 [cells, words].
	recordCode(r *gpu.Recorder, x, bits *gpu.Tensor)
	// recordPixels records bits to pixels.
	recordPixels(r *gpu.Recorder, bits *gpu.Tensor) *gpu.Tensor
	// losses is the number of elements of the loss.
	losses() int
	// recordTraining records the loss against the input, a mean squared error or near
	// one. With noGradients it is the mean squared error.
	recordTraining(r *gpu.Recorder, x, loss *gpu.Tensor, gradients part)
	// start sets the linear maps to a transform codec fitted to the first batch.
	start(x []float32) error
}

func newNetwork(dev *gpu.Device, c Config, b int, training bool) (network, error) {
	if c.Tokenizer.Conv != nil {
		return newConvNet(dev, c, b, training)
	}
	return newCoder(dev, c, b, training)
}

func (k *coder) parameters() *params.Store { return k.store }
func (k *coder) lead() int                 { return 0 }
func (k *coder) extents() [2]int           { return [2]int{k.rows(), k.cfg.pixels()} }
func (k *coder) losses() int               { return k.rows() }
func (k *coder) start(x []float32) error   { return k.startAsTransformCodec(x) }

func (c Config) cellSize() codec.Size { return codec.Size{T: c.Cell[0], H: c.Cell[1], W: c.Cell[2]} }

func (k *coder) load(x []float32, w *clip.Clip) error {
	g, err := codec.Split(w, k.cfg.cellSize())
	if err != nil {
		return err
	}
	return g.Floats(x)
}

func (k *coder) unload(w *clip.Clip, x []float32) error {
	g, err := codec.New(w.T, w.H, w.W, w.Rate, k.cfg.cellSize())
	if err != nil {
		return err
	}
	if err := g.SetFloats(x); err != nil {
		return err
	}
	c, err := g.Join()
	if err == nil {
		copy(w.Pix, c.Pix)
	}
	return err
}

func (k *coder) recordCode(r *gpu.Recorder, x, bits *gpu.Tensor) {
	z := k.encode(tape.New(r, false), tape.Constant(x))
	bsq.Quantize(r, bsq.QuantizeArgs{Z: z.X, Bits: bits})
}

func (k *coder) recordPixels(r *gpu.Recorder, bits *gpu.Tensor) *gpu.Tensor {
	code := r.Temp(tensor.F32, k.rows(), k.cfg.Tokenizer.Bits)
	bsq.Expand(r, bsq.ExpandArgs{Bits: bits, Code: code})
	return k.decode(tape.New(r, false), tape.Constant(code)).X
}

func (n *convNet) parameters() *params.Store { return n.store }
func (n *convNet) lead() int                 { return n.cfg.Tokenizer.Conv.lead() * n.cfg.Cell[0] }
func (n *convNet) extents() [2]int           { return [2]int{n.px.rows(), n.cfg.values()} }
func (n *convNet) losses() int               { return n.b * n.px.t * n.px.h }

// start leaves the network as its coordinates' fit made it, see fit.
func (n *convNet) start([]float32) error { return nil }

func (n *convNet) load(x []float32, w *clip.Clip) error {
	n.cfg.load(x, w)
	return nil
}

func (n *convNet) unload(w *clip.Clip, x []float32) error {
	n.cfg.unload(w, x)
	return nil
}

// load puts the pixels of a cell's frames side by side, in [-1, 1], and laps cells.
func (c Config) load(x []float32, w *clip.Clip) {
	c.each(w, func(i, at int) { x[i] = (2*float32(w.Pix[at]) - 255) / 255 })
	c.lap(x, false)
}

// unload undoes load, and overwrites x.
func (c Config) unload(w *clip.Clip, x []float32) {
	c.lap(x, true)
	c.each(w, func(i, at int) { w.Pix[at] = uint8(min(max(x[i]*127.5+127.5, 0), 255) + 0.5) })
}

// each calls f with the place of every byte of a window in the network's order, and in
// the window.
func (c Config) each(w *clip.Clip, f func(i, at int)) {
	frames, plane := c.Cell[0], w.H*w.W
	for t := range w.T {
		from, at := (t/frames*plane*frames+t%frames)*3, t*plane*3
		for p := range plane {
			i := from + p*frames*3
			f(i, at)
			f(i+1, at+1)
			f(i+2, at+2)
			at += 3
		}
	}
}

func (n *convNet) recordCode(r *gpu.Recorder, x, bits *gpu.Tensor) {
	z := n.encode(tape.New(r, false), tape.Constant(x))
	gray.Quantize(r, gray.QuantizeArgs{Z: z.X, Plan: n.plan, Bits: bits})
}

func (n *convNet) recordPixels(r *gpu.Recorder, bits *gpu.Tensor) *gpu.Tensor {
	code := r.Temp(tensor.F32, n.cell.rows(), len(n.cfg.Tokenizer.Conv.Share))
	gray.Expand(r, gray.ExpandArgs{Bits: bits, Plan: n.plan, Code: code})
	return n.decode(tape.New(r, false), tape.Constant(code)).X
}
