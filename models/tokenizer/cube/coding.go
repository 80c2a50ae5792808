package cube

import (
	"fmt"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/system"
)

// Coder implements [system.Tokenizer] for clips, window by window. Several goroutines
// take turns window by window.
type Coder struct {
	cfg            Config
	predictive     *Predictive // that does the work; nil: the network does
	mu             sync.Mutex  // guards what follows
	closed         bool
	net            network
	pixels         *gpu.Tensor  // f32, in and out, in the network's order
	bits           *gpu.Tensor  // u32 [cells, words]
	encode, decode *gpu.Program // decode is nil until it is first needed
	dev            *gpu.Device
}

// NewCoder loads a tokenizer's weights. Errors: nn.ErrConfig,
// params.ErrWeights, gpu.ErrOutOfMemory.
func NewCoder(dev *gpu.Device, c Config, weights *safetensors.File) (*Coder, error) {
	if c.Tokenizer.Motion != nil {
		p, err := LoadPredictive(c, weights)
		if err != nil {
			return nil, err
		}
		return &Coder{cfg: c, predictive: p}, nil
	}
	net, err := newNetwork(dev, c, 1, false)
	if err != nil {
		return nil, err
	}
	k := &Coder{cfg: c, net: net, dev: dev}
	if err := k.build(dev, weights); err != nil {
		k.free()
		return nil, err
	}
	return k, nil
}

func (k *Coder) build(dev *gpu.Device, weights *safetensors.File) (err error) {
	if err = k.net.parameters().Load(weights, false); err != nil {
		return err
	}
	e := k.net.extents()
	if k.pixels, err = dev.NewTensor(tensor.F32, e[0], e[1]); err != nil {
		return err
	}
	if k.bits, err = dev.NewTensor(tensor.U32, k.cfg.cells(), k.cfg.words()); err != nil {
		return err
	}
	r := dev.NewRecorder()
	k.net.recordCode(r, k.pixels, k.bits)
	k.encode, err = r.Finish()
	return err
}

// pixelsOf runs the decoder over k.bits.
func (k *Coder) pixelsOf() (err error) {
	if k.decode == nil {
		r := k.dev.NewRecorder()
		r.Copy(k.pixels, k.net.recordPixels(r, k.bits))
		if k.decode, err = r.Finish(); err != nil {
			return err
		}
	}
	return k.decode.Run(1)
}

// Close gives all memory back.
func (k *Coder) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		if k.closed = true; k.predictive == nil {
			k.free()
		}
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

// open returns the error of use where nothing of the device is needed.
func (k *Coder) open() error { return k.use(func() error { return nil }) }

// encodeWindow returns the codes of a window's cells, [cells, words].
func (k *Coder) encodeWindow(w *clip.Clip) (codes []int32, err error) {
	x := make([]float32, k.pixels.Elems())
	if err := k.net.load(x, w); err != nil {
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
	if k.predictive != nil {
		return k.predicted(s, t, rate)
	}
	// Rows of cells of a window, and how many of them are context behind the first.
	win, lead := k.cfg.Tokenizer.Window/k.cfg.Cell[0], k.net.lead()/k.cfg.Cell[0]
	per := k.cfg.gridH() * k.cfg.gridW() * k.cfg.words()
	out := clip.New(t*k.cfg.Cell[0], k.cfg.Size, k.cfg.Size, rate)
	bits := make([]int32, win*per)
	w := clip.New(k.cfg.Tokenizer.Window, k.cfg.Size, k.cfg.Size, rate)
	for from, done := 0, 0; done < t; from = done - lead {
		for row := range win { // a last window that is not full repeats its last row
			at := min(from+row, t-1)
			for i, x := range s.Tokens[at*per : (at+1)*per] {
				bits[row*per+i] = int32(uint32(x))
			}
		}
		if err := k.decodeWindow(w, bits); err != nil {
			return nil, err
		}
		for row := done - from; row < win && done < t; row++ {
			for f := range k.cfg.Cell[0] {
				copy(out.Frame(done*k.cfg.Cell[0]+f), w.Frame(row*k.cfg.Cell[0]+f))
			}
			done++
		}
	}
	return out, nil
}

// predicted turns a sample of t frames of cells into frames, one frame of cells after the other.
func (k *Coder) predicted(s shard.Sample, t int, rate clip.Rate) (*clip.Clip, error) {
	out := clip.New(t*k.cfg.Cell[0], k.cfg.Size, k.cfg.Size, rate)
	var last *clip.Clip
	per := len(s.Tokens) / t
	codes := make([]uint32, per)
	for i := range t {
		for j, x := range s.Tokens[i*per : (i+1)*per] {
			codes[j] = uint32(x)
		}
		if err := k.open(); err != nil {
			return nil, err
		}
		last = k.predictive.Decode(k.predictive.Predict(last), codes, rate)
		copy(out.Pix[i*len(last.Pix):], last.Pix)
	}
	return out, nil
}

// window is the number of frames that are coded at once, and lead how many of them at the start
// of every window but the first are context.
func (k *Coder) window() int {
	if k.predictive != nil {
		return k.cfg.Cell[0]
	}
	return k.cfg.Tokenizer.Window
}

func (k *Coder) lead() int {
	if k.predictive != nil {
		return 0
	}
	return k.net.lead()
}

func (k *Coder) decodeWindow(w *clip.Clip, bits []int32) error {
	var x []float32
	err := k.use(func() (err error) {
		if err := k.bits.WriteI32(bits); err != nil {
			return err
		}
		if err := k.pixelsOf(); err != nil {
			return err
		}
		x, err = k.pixels.F32()
		return err
	})
	if err != nil {
		return err
	}
	return k.net.unload(w, x)
}
