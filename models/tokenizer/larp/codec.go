package larp

import (
	"fmt"
	"strings"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Errors a caller can branch on.
var (
	// ErrSize reports a clip, or a number of tokens, of another size than the tokenizer's.
	ErrSize = errkind.New("clip_size", "bad clip size")
	// ErrToken reports a token that is no index of the code book.
	ErrToken = cnn.ErrToken
	// ErrNoEncoder reports a tokenizer that was opened to decode alone.
	ErrNoEncoder = cnn.ErrNoEncoder
)

// Options say how a tokenizer is opened. The zero value is useful.
type Options struct {
	// DecodeOnly leaves the encoder's weights out.
	DecodeOnly bool
}

// Codec turns clips into tokens and back on a device. It is safe for concurrent use:
// calls run one at a time.
type Codec struct {
	cfg Config

	mu       sync.Mutex
	enc, dec *program // enc is nil without an encoder; both after Free
}

// Open loads a tokenizer by upstream's names. Names that the network does not have are
// passed over, such as those of upstream's prior.
//
// Errors: [ErrConfig]; [nn.ErrWeights]; [gpu.ErrOutOfMemory] with the bytes needed and
// there, before anything is allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	nets, err := cfg.nets(w, o)
	if err != nil {
		return nil, fmt.Errorf("larp.Open: %w", err)
	}
	if err := dev.CheckMemory(cfg.bytes(nets)); err != nil {
		return nil, fmt.Errorf("larp.Open: %w", err)
	}
	c := &Codec{cfg: cfg}
	for i, to := range []**program{&c.dec, &c.enc} {
		if i == len(nets) {
			break
		}
		if *to, err = newProgram(dev, cfg, nets[i], w, i == 1, nil); err != nil {
			c.Free()
			return nil, fmt.Errorf("larp.Open: %w", err)
		}
	}
	return c, nil
}

// Bytes is the device memory that [Open] asks for, an estimate from above. Errors are
// those of Open, but for memory.
func Bytes(cfg Config, w nn.Weights, o Options) (uint64, error) {
	nets, err := cfg.nets(w, o)
	if err != nil {
		return 0, fmt.Errorf("larp.Bytes: %w", err)
	}
	return cfg.bytes(nets), nil
}

// nets declares the decoder and then the encoder, and checks that no tensor is missing.
func (c Config) nets(w nn.Weights, o Options) ([]*net, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	codes, err := c.readCodes(w)
	if err != nil {
		return nil, err
	}
	nets := []*net{c.decoder(codes)}
	if !o.DecodeOnly {
		nets = append(nets, c.encoder(codes))
	}
	for _, n := range nets {
		if missing := n.list.Missing(w); len(missing) > 0 {
			return nil, fmt.Errorf("%w: %s missing", nn.ErrWeights, strings.Join(missing[:min(len(missing), 4)], ", "))
		}
	}
	return nets, nil
}

// readCodes returns the codes at unit length, as they are compared and looked up.
func (c Config) readCodes(w nn.Weights) ([]float32, error) {
	x, err := nn.Finite(w, CodesName)
	if err != nil {
		return nil, err
	}
	if len(x) != c.Codes*c.CodeWidth {
		return nil, fmt.Errorf("%w: %s has %d elements for %d codes of %d", nn.ErrWeights, CodesName, len(x), c.Codes, c.CodeWidth)
	}
	cnn.Normalize(x, c.CodeWidth)
	return x, nil
}

// bytes is the memory of weights and programs.
func (c Config) bytes(nets []*net) (n uint64) {
	const word = 4
	for i, x := range nets {
		s := []Stack{c.Decoder, c.Encoder}[i]
		rows := uint64(c.patches(s) + c.Tokens)
		// At most a residual, its norm, and what a block's branch makes are alive.
		alive := rows * uint64(2*s.Width+max(4*s.Width, s.Hidden)+s.Heads+3)
		search := uint64(c.Tokens*c.CodeWidth+c.Codes) + max(2<<20, 32*uint64(c.Codes))
		n += x.list.Bytes(nn.F32) + word*(alive+search+uint64(c.Pixels()+c.Tokens)) + 1<<16
	}
	return n + n/8
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
	patches *gpu.Tensor // f32 [p, pixels]
	tokens  *gpu.Tensor // i32 [q]
	ids     *gpu.Tensor // i32 [n, 2]
	run     *gpu.Program
}

// newProgram loads and records a direction; mark may be nil.
func newProgram(dev *gpu.Device, c Config, n *net, w nn.Weights, encodes bool, mark func(g *nn.Bidirectional, name string, x *gpu.Tensor)) (p *program, err error) {
	p = &program{}
	defer func() {
		if err != nil {
			p.free()
			p = nil
		}
	}()
	if p.loaded, err = nn.Load(dev, n.list, w, nn.F32); err != nil {
		return p, err
	}
	s := c.Decoder
	if encodes {
		s = c.Encoder
	}
	if p.patches, err = dev.NewTensor(tensor.F32, c.patches(s), s.pixels()); err != nil {
		return p, err
	}
	if p.tokens, err = dev.NewTensor(tensor.I32, c.Tokens); err != nil {
		return p, err
	}
	if p.ids, err = dev.FromI32(n.ids, len(n.ids)/2, 2); err != nil {
		return p, err
	}
	g := nn.NewBidirectional(dev.NewRecorder(), p.loaded, p.ids)
	if mark != nil {
		g.Marked = func(name string, x *gpu.Tensor) { mark(g, name, x) }
	}
	if encodes {
		n.encode(g, p.patches, p.tokens)
	} else {
		n.decode(g, p.tokens, p.patches)
	}
	p.run, err = g.Finish()
	return p, err
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
	p.ids.Free()
}
