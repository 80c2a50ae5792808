package cube

import (
	"fmt"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	codec "github.com/morton-gen/morton/codecs/cube"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// Coder implements [system.Tokenizer] for clips, window by window. Several goroutines
// take turns window by window.
type Coder struct {
	cfg            Config
	mu             sync.Mutex // guards what follows
	closed         bool
	net            *coder
	pixels         *gpu.Tensor // f32 [cells, pixels], in and out
	bits           *gpu.Tensor // u32 [cells, words]
	encode, decode *gpu.Program
}

// NewCoder loads a tokenizer's weights. Errors: nn.ErrConfig,
// params.ErrWeights, gpu.ErrOutOfMemory.
func NewCoder(dev *gpu.Device, c Config, weights *safetensors.File) (*Coder, error) {
	net, err := newCoder(dev, c, 1, false)
	if err != nil {
		return nil, err
	}
	k := &Coder{cfg: c, net: net}
	if err := k.build(dev, weights); err != nil {
		k.free()
		return nil, err
	}
	return k, nil
}

func (k *Coder) build(dev *gpu.Device, weights *safetensors.File) (err error) {
	if err = k.net.store.Load(weights, false); err != nil {
		return err
	}
	n, l := k.cfg.cells(), k.cfg.Tokenizer.Bits
	if k.pixels, err = dev.NewTensor(tensor.F32, n, k.cfg.pixels()); err != nil {
		return err
	}
	if k.bits, err = dev.NewTensor(tensor.U32, n, k.cfg.words()); err != nil {
		return err
	}
	r := dev.NewRecorder()
	z := k.net.encode(tape.New(r, false), tape.Constant(k.pixels))
	bsq.Quantize(r, bsq.QuantizeArgs{Z: z.X, Bits: k.bits})
	if k.encode, err = r.Finish(); err != nil {
		return err
	}
	r = dev.NewRecorder()
	code := r.Temp(tensor.F32, n, l)
	bsq.Expand(r, bsq.ExpandArgs{Bits: k.bits, Code: code})
	r.Copy(k.pixels, k.net.decode(tape.New(r, false), tape.Constant(code)).X)
	k.decode, err = r.Finish()
	return err
}

// Close gives all memory back.
func (k *Coder) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.closed = true
		k.free()
	}
}

func (k *Coder) free() {
	for _, p := range []*gpu.Program{k.encode, k.decode} {
		if p != nil {
			p.Free()
		}
	}
	k.net.free()
	k.pixels.Free()
	k.bits.Free()
}

// use calls f while nobody else uses the device's buffers. The error wraps
// system.ErrClosed after Close.
func (k *Coder) use(f func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return fmt.Errorf("cube.Coder: %w", system.ErrClosed)
	}
	return f()
}

func (k *Coder) cellSize() codec.Size {
	return codec.Size{T: k.cfg.Cell[0], H: k.cfg.Cell[1], W: k.cfg.Cell[2]}
}

// encodeWindow returns the codes of a window's cells, [cells, words].
func (k *Coder) encodeWindow(w *clip.Clip) (codes []int32, err error) {
	g, err := codec.Split(w, k.cellSize())
	if err != nil {
		return nil, err
	}
	x := make([]float32, len(g.Pix))
	if err := g.Floats(x); err != nil {
		return nil, err
	}
	return codes, k.use(func() error {
		if err := k.pixels.WriteF32(x); err != nil {
			return err
		}
		if err := k.encode.Run(1); err != nil {
			return err
		}
		codes, err = k.bits.I32()
		return err
	})
}

// frames turns a sample into frames at the given rate.
func (k *Coder) frames(s shard.Sample, rate clip.Rate) (*clip.Clip, error) {
	t, err := k.cfg.checkSample(s)
	if err != nil {
		return nil, err
	}
	win := k.cfg.Tokenizer.Window / k.cfg.Cell[0] // rows of cells in a window
	per := k.cfg.gridH() * k.cfg.gridW() * k.cfg.words()
	out := clip.New(t*k.cfg.Cell[0], k.cfg.Size, k.cfg.Size, rate)
	for from := 0; from < t; from += win {
		bits := make([]int32, win*per)
		for row := range win { // a last window that is not full repeats its last row
			at := min(from+row, t-1)
			for i, x := range s.Tokens[at*per : (at+1)*per] {
				bits[row*per+i] = int32(uint32(x))
			}
		}
		if err := k.decodeWindow(out, from*k.cfg.Cell[0], bits); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (k *Coder) decodeWindow(out *clip.Clip, from int, bits []int32) error {
	var x []float32
	err := k.use(func() (err error) {
		if err := k.bits.WriteI32(bits); err != nil {
			return err
		}
		if err := k.decode.Run(1); err != nil {
			return err
		}
		x, err = k.pixels.F32()
		return err
	})
	if err != nil {
		return err
	}
	win := k.cfg.Tokenizer.Window
	g, err := codec.New(win, out.H, out.W, out.Rate, k.cellSize())
	if err != nil {
		return err
	}
	if err := g.SetFloats(x); err != nil {
		return err
	}
	c, err := g.Join()
	if err != nil {
		return err
	}
	for t := 0; t < win && from+t < out.T; t++ {
		copy(out.Frame(from+t), c.Frame(t))
	}
	return nil
}
