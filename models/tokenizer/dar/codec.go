package dar

import (
	"fmt"
	"strings"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Errors a caller can branch on.
var (
	// ErrSize reports a picture, tokens or noise of another size than the tokenizer's.
	ErrSize = cnn.ErrSize
	// ErrToken reports a token that is no index of the code book.
	ErrToken = cnn.ErrToken
	// ErrNoEncoder reports a tokenizer that was opened to decode alone.
	ErrNoEncoder = cnn.ErrNoEncoder
)

// Options say how a tokenizer is opened. The zero value is useful.
type Options struct {
	DecodeOnly bool // leave the encoder's weights out
}

// Codec turns pictures into tokens and back on a device. It is safe for concurrent use: calls
// run one at a time.
type Codec struct {
	cfg Config

	mu       sync.Mutex
	enc, dec *program // enc is nil without an encoder; both after Free
}

// Open loads a tokenizer by upstream's names. Other names are passed over, such as those of what
// only training needs.
//
// Errors: [ErrConfig]; [nn.ErrWeights]; [gpu.ErrOutOfMemory] with the bytes needed and there,
// before anything is allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	n, err := cfg.networks(w, o)
	if err == nil {
		err = dev.CheckMemory(cfg.bytes(n))
	}
	if err != nil {
		return nil, fmt.Errorf("dar.Open: %w", err)
	}
	c := &Codec{cfg: cfg}
	c.dec, err = cfg.decodes(dev, n.decoder, w)
	if err == nil && n.encoder != nil {
		c.enc, err = cfg.encodes(dev, n.encoder, w)
	}
	if err != nil {
		c.Free()
		return nil, fmt.Errorf("dar.Open: %w", err)
	}
	return c, nil
}

// Bytes is the device memory that [Open] asks for, an estimate from above. Errors are those of
// Open, but for memory.
func Bytes(cfg Config, w nn.Weights, o Options) (uint64, error) {
	n, err := cfg.networks(w, o)
	if err != nil {
		return 0, fmt.Errorf("dar.Bytes: %w", err)
	}
	return cfg.bytes(n), nil
}

type networks struct {
	*decoder
	*encoder // nil without
}

// networks declares both directions, and checks that no tensor is missing.
func (c Config) networks(w nn.Weights, o Options) (n networks, err error) {
	if err := c.Validate(); err != nil {
		return n, err
	}
	codes, err := nn.Finite(w, CodesName)
	if err != nil {
		return n, err
	}
	if len(codes) != c.codes*c.z {
		return n, fmt.Errorf("%w: %s has %d elements for %d codes of %d", nn.ErrWeights, CodesName, len(codes), c.codes, c.z)
	}
	cnn.Normalize(codes, c.z)
	n.decoder = c.decoder(codes)
	missing := n.decoder.list.Missing(w)
	if !o.DecodeOnly {
		n.encoder = c.encoder(codes)
		missing = append(missing, n.encoder.list.Missing(w)...)
	}
	if len(missing) > 0 {
		return n, fmt.Errorf("%w: %s missing", nn.ErrWeights, strings.Join(missing[:min(len(missing), 4)], ", "))
	}
	return n, nil
}

// bytes is the memory of weights and programs.
func (c Config) bytes(n networks) uint64 {
	const word = 4
	// Alive at most: the residual, a modulation of six parts, and what a branch makes.
	alive := func(s stack, rows int) uint64 {
		return uint64(rows) * uint64(12*s.width+max(5*s.width, s.hidden+s.width)+s.width/headDim)
	}
	paints, patches := c.across(c.paint)*c.across(c.paint), c.across(c.patch)*c.across(c.patch)
	total := n.decoder.list.Bytes(nn.F32) + word*(alive(c.pixels, paints)+alive(c.written, c.Tokens)+3*uint64(c.Pixels())+uint64(c.Steps*c.pixels.depth*c.pixels.width)) + 1<<16
	if n.encoder != nil {
		search := uint64(c.Tokens*c.z+c.codes) + max(2<<20, 32*uint64(c.codes))
		total += n.encoder.list.Bytes(nn.F32) + word*(alive(c.read, patches+c.Tokens)+search+uint64(c.Pixels())) + 1<<16
	}
	return total + total/8
}

// Config returns the tokenizer's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enc.free()
	c.dec.free()
	c.enc, c.dec = nil, nil
}

// program is one direction.
type program struct {
	loaded  *nn.Loaded
	patches *gpu.Tensor   // f32 [p, pixels]
	tokens  *gpu.Tensor   // i32 [q]
	tables  []*gpu.Tensor // what rows see and where they are
	run     *gpu.Program
}

// encodes loads and records the way to tokens. A query sees the patches and the queries up to
// its own.
func (c Config) encodes(dev *gpu.Device, e *encoder, w nn.Weights) (*program, error) {
	across := c.across(c.patch)
	return c.program(dev, e.list, w, c.patch, func(p *program, g *nn.Inference) error {
		key := make([]int32, across*across)
		at := append(places(across), make([]int32, 2*c.Tokens)...)
		for i := range c.Tokens {
			key = append(key, int32(1+i))
		}
		sees, err := p.table(dev, key, len(key))
		if err != nil {
			return err
		}
		where, err := p.table(dev, at, len(key), 2)
		if err == nil {
			e.record(g, p.patches, p.tokens, nn.Sight{Query: sees, QueryAt: where, KeyAt: where})
		}
		return err
	})
}

// decodes loads and records the way to patches.
func (c Config) decodes(dev *gpu.Device, e *decoder, w nn.Weights) (*program, error) {
	across := c.across(c.paint)
	return c.program(dev, e.list, w, c.paint, func(p *program, g *nn.Inference) error {
		var key []int32
		for i := range c.Tokens {
			key = append(key, int32(i))
		}
		before, err := p.table(dev, key, len(key))
		if err != nil {
			return err
		}
		all, err := p.table(dev, make([]int32, across*across), across*across)
		if err != nil {
			return err
		}
		where, err := p.table(dev, places(across), across*across, 2)
		if err == nil {
			e.record(g, p.tokens, p.patches, nn.Sight{Query: before}, nn.Sight{Query: all, QueryAt: where, KeyAt: where})
		}
		return err
	})
}

// places are the rows and columns of a square of patches, [n, 2].
func places(across int) (at []int32) {
	for i := range across * across {
		at = append(at, int32(i/across), int32(i%across))
	}
	return at
}

// program loads a network and records what f says.
func (c Config) program(dev *gpu.Device, l *nn.List, w nn.Weights, patch int, f func(p *program, g *nn.Inference) error) (p *program, err error) {
	p = &program{}
	defer func() {
		if err != nil {
			p.free()
			p = nil
		}
	}()
	if p.loaded, err = nn.Load(dev, l, w, nn.F32); err != nil {
		return p, err
	}
	if p.patches, err = dev.NewTensor(tensor.F32, c.across(patch)*c.across(patch), colours*patch*patch); err != nil {
		return p, err
	}
	if p.tokens, err = dev.NewTensor(tensor.I32, c.Tokens); err != nil {
		return p, err
	}
	g := &nn.Inference{Recorder: dev.NewRecorder(), Loaded: p.loaded}
	if err = f(p, g); err != nil {
		return p, err
	}
	p.run, err = g.Finish()
	return p, err
}

// table puts a table on the device.
func (p *program) table(dev *gpu.Device, x []int32, shape ...int) (*gpu.Tensor, error) {
	t, err := dev.FromI32(x, shape...)
	if err == nil {
		p.tables = append(p.tables, t)
	}
	return t, err
}

func (p *program) free() {
	if p == nil {
		return
	}
	if p.run != nil {
		p.run.Free()
	}
	if p.loaded != nil {
		p.loaded.Free()
	}
	p.patches.Free()
	p.tokens.Free()
	for _, t := range p.tables {
		t.Free()
	}
}
