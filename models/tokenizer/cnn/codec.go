package cnn

import (
	"fmt"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
)

// Errors a caller can branch on.
var (
	// ErrNoEncoder reports that the weights hold no encoder.
	ErrNoEncoder = errkind.New("bad_model", "the tokenizer has no encoder")
	// ErrNoDecoder reports that the weights hold no decoder.
	ErrNoDecoder = errkind.New("bad_model", "the tokenizer has no decoder")
	// ErrSize reports a picture or a grid of latents of a size that the tokenizer cannot
	// take, or of another size than said.
	ErrSize = errkind.New("picture_size", "bad picture size")
)

// MaxSide is the most rows or columns of a picture, and MaxPixels the most pixels.
const (
	MaxSide   = 1 << 13
	MaxPixels = 1 << 22
)

// defaultPrograms is how many programs are kept, see [Options].
const defaultPrograms = 4

// Model describes a tokenizer.
type Model struct {
	Encoder, Decoder []Layer
	// EncoderNames and DecoderNames begin the names of a direction's tensors.
	EncoderNames, DecoderNames []string
	Latent                     Latent
	Reduction                  int // pixels a side of one latent
	Grid                       int // latents a side of the only size; 0: any size
}

// Latent stands between the two networks. It turns what the encoder gives into a code,
// and a code into what the decoder takes.
type Latent interface {
	// Params lists its own tensors, which both directions need.
	Params() []Param
	// Code returns the type and the number of elements of the code of a grid.
	Code(rows, cols int) (tensor.DType, int)
	// Encode writes the code of x, f32 [rows·cols, c]. It may write to x.
	Encode(n *Net, x, code *gpu.Tensor)
	// Decode returns what the decoder takes for a code.
	Decode(n *Net, code *gpu.Tensor) *gpu.Tensor
	// Bytes bounds the temporaries of both.
	Bytes(rows, cols int) uint64
}

// Options say how a tokenizer is opened. The zero value is useful.
type Options struct {
	// H and W are the size in pixels of the largest picture to come: [Open] fails where
	// the device has no room for it. 0 means that only the weights must fit.
	H, W int
	// Programs is how many programs are kept, one for each size and direction. The one
	// that was used longest ago goes first. 0 means 4.
	Programs int
	// Trace keeps every layer's output of the last run of a program, for tests.
	Trace bool
}

// Codec turns pictures into codes and back on a device. It is safe for concurrent
// use: calls run one at a time.
type Codec struct {
	model    Model
	dev      *gpu.Device
	enc, dec *half // nil for a direction that the weights do not hold
	keep     int
	trace    bool

	mu       sync.Mutex
	params   Table      // nil after Free
	programs []*program // the one used last at the end
}

// Open loads a tokenizer by upstream's names. Weights of one half alone open for that
// direction. Names of neither are passed over.
//
// Errors: [nn.ErrWeights] with the name and both shapes; [ErrSize] for Options;
// [gpu.ErrOutOfMemory] with the bytes needed and there, before anything is allocated.
func Open(dev *gpu.Device, m Model, w nn.Weights, o Options) (*Codec, error) {
	c := &Codec{model: m, dev: dev, keep: o.Programs, trace: o.Trace, params: Table{}}
	if c.keep <= 0 {
		c.keep = defaultPrograms
	}
	if err := c.halves(w); err != nil {
		return nil, err
	}
	bytes, err := c.bytes(o)
	if err == nil {
		err = dev.CheckMemory(bytes)
	}
	if err == nil {
		err = c.params.Load(dev, w, c.all())
	}
	if err != nil {
		c.Free()
		return nil, err
	}
	return c, nil
}

// halves finds the directions that the weights hold and checks their names and shapes.
func (c *Codec) halves(w nn.Weights) error {
	enc, dec := half{c.model.Encoder, c.model.EncoderNames}, half{c.model.Decoder, c.model.DecoderNames}
	for _, h := range []struct {
		half *half
		to   **half
	}{{&enc, &c.enc}, {&dec, &c.dec}} {
		if !h.half.in(w) {
			continue
		}
		if err := h.half.check(w); err != nil {
			return err
		}
		*h.to = h.half
	}
	if c.enc == nil && c.dec == nil {
		return fmt.Errorf("%w: no tensor is called %s* or %s*", nn.ErrWeights, c.model.EncoderNames[0], c.model.DecoderNames[0])
	}
	for _, p := range c.model.Latent.Params() {
		if err := p.check(w); err != nil {
			return err
		}
	}
	return nil
}

// Params lists the tensors of both directions.
func (m Model) Params() []Param {
	enc, dec := half{layers: m.Encoder}, half{layers: m.Decoder}
	return append(append(m.Latent.Params(), enc.params()...), dec.params()...)
}

func (c *Codec) all() []Param {
	out := c.model.Latent.Params()
	for _, h := range []*half{c.enc, c.dec} {
		if h != nil {
			out = append(out, h.params()...)
		}
	}
	return out
}

// Encodes and Decodes report whether the weights hold a direction.
func (c *Codec) Encodes() bool { return c.enc != nil }

// Decodes is the other direction of [Codec.Encodes].
func (c *Codec) Decodes() bool { return c.dec != nil }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.programs {
		p.free()
	}
	c.programs = nil
	c.params.Free()
	c.params = nil
}

// checkSize says whether a picture of h by w pixels has latents.
func (m *Model) checkSize(h, w int) error {
	n := m.Reduction
	switch {
	case h < 1 || w < 1 || h > MaxSide || w > MaxSide || h*w > MaxPixels:
		return fmt.Errorf("%w: %d by %d, at most %d a side and %d pixels", ErrSize, h, w, MaxSide, MaxPixels)
	case m.Grid > 0 && (h != m.Grid*n || w != m.Grid*n):
		return fmt.Errorf("%w: %d by %d, want %d by %d", ErrSize, h, w, m.Grid*n, m.Grid*n)
	case h%n != 0 || w%n != 0:
		return fmt.Errorf("%w: %d by %d, want multiples of %d", ErrSize, h, w, n)
	}
	return nil
}

// Pixels checks the size of a picture to encode, of so many values. Errors:
// [ErrNoEncoder], [ErrSize].
func (c *Codec) Pixels(values, h, w int) error {
	if c.enc == nil {
		return ErrNoEncoder
	}
	if err := c.model.checkSize(h, w); err != nil {
		return err
	}
	if values != h*w*Colours {
		return fmt.Errorf("%w: %d values for %d by %d pixels, want %d", ErrSize, values, h, w, h*w*Colours)
	}
	return nil
}

// Latents checks the size of a grid to decode. Errors: [ErrNoDecoder], [ErrSize].
func (c *Codec) Latents(rows, cols int) error {
	if c.dec == nil {
		return ErrNoDecoder
	}
	if rows < 1 || cols < 1 || rows > MaxSide || cols > MaxSide {
		return fmt.Errorf("%w: %d by %d latents", ErrSize, rows, cols)
	}
	return c.model.checkSize(rows*c.model.Reduction, cols*c.model.Reduction)
}

// Encode codes a picture, pix [h, w, 3] bytes of red, green and blue. It hands the code
// to read. A code depends on nothing but its picture. Errors: those of [Codec.Pixels],
// [gpu.ErrOutOfMemory] for a size that is new, those of [gpu.Program.Run], and read's.
func (c *Codec) Encode(pix []uint8, h, w int, read func(code *gpu.Tensor) error) error {
	if err := c.Pixels(len(pix), h, w); err != nil {
		return err
	}
	return c.EncodeFloats(FromBytes(pix), h, w, read)
}

// EncodeFloats is [Codec.Encode] of values x [h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, h, w int, read func(code *gpu.Tensor) error) error {
	if err := c.Pixels(len(x), h, w); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.program(true, h, w)
	if err != nil {
		return err
	}
	if err := p.pixels.WriteF32(Widen(x)); err != nil {
		return err
	}
	if err := p.run.Run(1); err != nil {
		return err
	}
	return read(p.code)
}

// Decode returns the picture of a grid's code, which write writes, as [h, w, 3] bytes of
// red, green and blue. Errors: those of [Codec.Latents], [nn.ErrWeights] if a value
// overflows, [gpu.ErrOutOfMemory] for a size that is new, those of [gpu.Program.Run], and
// write's.
func (c *Codec) Decode(rows, cols int, write func(code *gpu.Tensor) error) ([]uint8, error) {
	x, err := c.DecodeFloats(rows, cols, write)
	if err != nil {
		return nil, err
	}
	return ToBytes(x), nil
}

// DecodeFloats is [Codec.Decode] to values [h, w, 3], nominally from -1 to 1, not cut
// off.
func (c *Codec) DecodeFloats(rows, cols int, write func(code *gpu.Tensor) error) ([]float32, error) {
	if err := c.Latents(rows, cols); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.program(false, rows*c.model.Reduction, cols*c.model.Reduction)
	if err != nil {
		return nil, err
	}
	if err := write(p.code); err != nil {
		return nil, err
	}
	if err := p.run.Run(1); err != nil {
		return nil, err
	}
	x, err := p.pixels.F32()
	if err != nil {
		return nil, err
	}
	if x = Narrow(x); !Finite(x) {
		return nil, fmt.Errorf("%w: a pixel is not finite", nn.ErrWeights)
	}
	return x, nil
}
