package vq

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/codebook"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
)

// Errors a caller can branch on.
var (
	// ErrNoEncoder reports that the weights hold no encoder.
	ErrNoEncoder = errors.New("the tokenizer has no encoder")
	// ErrNoDecoder reports that the weights hold no decoder.
	ErrNoDecoder = errors.New("the tokenizer has no decoder")
	// ErrSize reports a picture or a grid of tokens of a size that the tokenizer cannot
	// take, or of another size than said.
	ErrSize = errors.New("bad picture size")
	// ErrToken reports a token that is no index of the code book.
	ErrToken = errkind.New("bad_sample", "no such code")
)

// MaxSide is the most rows or columns of a picture, and MaxPixels the most pixels.
const (
	MaxSide   = 1 << 13
	MaxPixels = 1 << 22
)

// defaultPrograms is how many programs are kept, see [Options].
const defaultPrograms = 4

// Options say how a tokenizer is opened. The zero value is useful.
type Options struct {
	// H and W are the size in pixels of the largest picture to come: [Open] fails where
	// the device has no room for it. 0 means that only the weights must fit.
	H, W int
	// Programs is how many programs are kept, one for each size and direction. The one
	// that was used longest ago goes first. 0 means 4.
	Programs int
}

// Codec turns pictures into tokens and back on a device. It is safe for concurrent
// use: calls run one at a time.
type Codec struct {
	cfg      Config
	dev      *gpu.Device
	enc, dec *half // nil for a direction that the weights do not hold
	keep     int

	mu       sync.Mutex
	params   table      // nil after Free
	programs []*program // the one used last at the end
}

// Open loads a tokenizer by upstream's names: encoder.*, quant_conv.*,
// quantize.embedding.weight, post_quant_conv.* and decoder.*. Weights of one half alone
// open for that direction. Other names are passed over.
//
// Errors: [ErrConfig]; [nn.ErrWeights] with the name and both shapes; [ErrSize] for
// Options; [gpu.ErrOutOfMemory] with the bytes needed and there, before anything is
// allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Codec{cfg: cfg, dev: dev, keep: o.Programs, params: table{}}
	if c.keep <= 0 {
		c.keep = defaultPrograms
	}
	if err := c.halves(w); err != nil {
		return nil, err
	}
	if err := c.plan(o); err != nil {
		return nil, err
	}
	if err := c.load(w); err != nil {
		c.Free()
		return nil, err
	}
	return c, nil
}

// halves finds the directions that the weights hold and checks their names and shapes.
func (c *Codec) halves(w nn.Weights) error {
	enc, dec := c.cfg.encoderHalf(), c.cfg.decoderHalf()
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
		return fmt.Errorf("vq.Open: %w: no tensor is called encoder.* or decoder.*", nn.ErrWeights)
	}
	return c.cfg.codes().check(w)
}

func (c *Codec) all() []param {
	out := []param{c.cfg.codes()}
	for _, h := range []*half{c.enc, c.dec} {
		if h != nil {
			out = append(out, h.params()...)
		}
	}
	return out
}

// plan fails if the weights, with programs for the largest picture to come, do not fit.
func (c *Codec) plan(o Options) error {
	bytes := weightBytes(c.all())
	if o.H != 0 || o.W != 0 {
		if err := c.cfg.checkSize(o.H, o.W); err != nil {
			return fmt.Errorf("vq.Open: %w", err)
		}
		most := uint64(0)
		for _, h := range []*half{c.enc, c.dec} {
			if h != nil {
				most = max(most, c.cfg.programBytes(*h, o.H, o.W))
			}
		}
		bytes += most
	}
	if err := c.dev.CheckMemory(bytes); err != nil {
		return fmt.Errorf("vq.Open: %w", err)
	}
	return nil
}

func (c *Codec) load(w nn.Weights) error {
	if err := c.params.loadCodes(c.dev, w, c.cfg); err != nil {
		return err
	}
	for _, h := range []*half{c.enc, c.dec} {
		if h == nil {
			continue
		}
		if err := c.params.load(c.dev, w, h.params()); err != nil {
			return err
		}
	}
	return nil
}

// Config returns the tokenizer's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.programs {
		p.free()
	}
	c.programs = nil
	c.params.free()
	c.params = nil
}

// checkSize says whether a picture of h by w pixels has tokens.
func (c Config) checkSize(h, w int) error {
	n := c.Reduction()
	if h < 1 || w < 1 || h > MaxSide || w > MaxSide || h*w > MaxPixels {
		return fmt.Errorf("%w: %d by %d, at most %d a side and %d pixels", ErrSize, h, w, MaxSide, MaxPixels)
	}
	if h%n != 0 || w%n != 0 {
		return fmt.Errorf("%w: %d by %d, want multiples of %d", ErrSize, h, w, n)
	}
	return nil
}

// program is one direction at one size.
type program struct {
	encodes bool
	h, w    int         // pixels
	pixels  *gpu.Tensor // f32 [h·w, 4]
	ids     *gpu.Tensor // i32 [tokens]
	run     *gpu.Program
}

func (p *program) free() {
	if p.run != nil {
		p.run.Free()
	}
	p.pixels.Free()
	p.ids.Free()
}

// program returns the one for a size and direction, and makes it if it is not kept.
func (c *Codec) program(encodes bool, h, w int) (*program, error) {
	if c.params == nil {
		return nil, gpu.ErrClosed
	}
	for i, p := range c.programs {
		if p.encodes == encodes && p.h == h && p.w == w {
			c.programs = append(slices.Delete(c.programs, i, i+1), p)
			return p, nil
		}
	}
	if err := c.room(encodes, h, w); err != nil {
		return nil, err
	}
	p, err := c.record(encodes, h, w, nil)
	if err != nil {
		return nil, err
	}
	c.programs = append(c.programs, p)
	return p, nil
}

func (c *Codec) side(encodes bool) *half {
	if encodes {
		return c.enc
	}
	return c.dec
}

// room frees kept programs, the oldest first, until one more may be kept and fits.
func (c *Codec) room(encodes bool, h, w int) error {
	bytes := c.cfg.programBytes(*c.side(encodes), h, w)
	for {
		err := c.dev.CheckMemory(bytes)
		if err == nil && len(c.programs) < c.keep {
			return nil
		}
		if len(c.programs) == 0 {
			return fmt.Errorf("a program for %d by %d pixels: %w", h, w, err)
		}
		c.programs[0].free()
		c.programs = slices.Delete(c.programs, 0, 1)
	}
}

// record makes a program; mark may be nil.
func (c *Codec) record(encodes bool, h, w int, mark marker) (p *program, err error) {
	n := c.cfg.Reduction()
	p = &program{encodes: encodes, h: h, w: w}
	defer func() {
		if err != nil {
			p.free()
			p = nil
		}
	}()
	if p.pixels, err = c.dev.NewTensor(tensor.F32, h*w, even(colours)); err != nil {
		return p, err
	}
	if p.ids, err = c.dev.NewTensor(tensor.I32, h/n*(w/n)); err != nil {
		return p, err
	}
	t := &net{r: c.dev.NewRecorder(), params: c.params, mark: mark}
	if encodes {
		c.recordEncoder(t, p)
	} else {
		c.recordDecoder(t, p)
	}
	p.run, err = t.r.Finish()
	return p, err
}

func (c *Codec) recordEncoder(t *net, p *program) {
	t.h, t.w = p.h, p.w
	x := p.pixels
	for _, l := range c.enc.layers {
		x = t.layer(l, x)
	}
	codes := c.params[codesName]
	codebook.Nearest(t.r, codebook.NearestArgs{X: x, Codes: codes, IDs: p.ids, Cosine: c.cfg.CodebookL2Norm})
	if t.mark != nil {
		t.saw("enc.quant", c.lookUp(t, p))
	}
}

func (c *Codec) recordDecoder(t *net, p *program) {
	n := c.cfg.Reduction()
	t.h, t.w = p.h/n, p.w/n
	x := c.lookUp(t, p)
	t.saw("dec.codes", x)
	for _, l := range c.dec.layers {
		x = t.layer(l, x)
	}
	t.r.Copy(p.pixels, x)
}

// lookUp returns the codes of a program's tokens, [tokens, d].
func (c *Codec) lookUp(t *net, p *program) *gpu.Tensor {
	x := t.temp(c.cfg.CodebookEmbedDim)
	rows.Gather(t.r, rows.GatherArgs{X: c.params[codesName], IDs: p.ids, Out: x})
	return x
}
