package msvq

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrToken reports tokens that are not one index of the code book for each cell of every
// scale.
var ErrToken = cnn.ErrToken

// Options say how a tokenizer is opened. The zero value is useful. A size is that of
// [Config.Pixels] or 0.
type Options = cnn.Options

// Codec turns pictures into tokens and back on a device. It is safe for concurrent
// use: calls run one at a time.
type Codec struct {
	cfg    Config
	codec  *cnn.Codec
	smooth bool // tokens are the bits of the numbers of codes
}

func (c Config) model(smooth bool) cnn.Model {
	net := c.network()
	return cnn.Model{
		Encoder:      append(net.Encoder(), cnn.Conv("quant_conv", c.Kernel, c.Dim, c.Dim)),
		Decoder:      append([]cnn.Layer{cnn.Conv("post_quant_conv", c.Kernel, c.Dim, c.Dim)}, net.Decoder()...),
		EncoderNames: []string{"encoder.", "quant_conv."}, DecoderNames: []string{"decoder.", "post_quant_conv."},
		Latent: scales{c, smooth}, Reduction: net.Reduction(), Grid: c.Side(),
	}
}

// Open loads a tokenizer by upstream's names: encoder.*, quant_conv.*, quantize.*,
// post_quant_conv.* and decoder.*. Weights of one half alone open for that direction.
// Other names are passed over.
//
// Errors: [ErrConfig]; [nn.ErrWeights] with the name and both shapes; cnn.ErrSize for
// Options; [gpu.ErrOutOfMemory] with the bytes needed and there, before anything is
// allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	return load(dev, cfg, w, o, false)
}

// load is [Open], also of a smooth codec. Its tokens are the numbers of codes, or of what lies
// between codes: words of the bits of f32, as many a token as a code has numbers.
func load(dev *gpu.Device, cfg Config, w nn.Weights, o Options, smooth bool) (*Codec, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c, err := cnn.Open(dev, cfg.model(smooth), w, o)
	if err != nil {
		return nil, fmt.Errorf("msvq.Open: %w", err)
	}
	return &Codec{cfg, c, smooth}, nil
}

// Bytes is the device memory that [Open] asks for with the same arguments, an estimate
// from above. Errors are those of [Open], but for memory.
func Bytes(cfg Config, w nn.Weights, o Options) (uint64, error) {
	if err := cfg.Validate(); err != nil {
		return 0, err
	}
	n, err := cnn.Bytes(cfg.model(true), w, o) // which is at most a little more than of indices
	if err != nil {
		return 0, fmt.Errorf("msvq.Bytes: %w", err)
	}
	return n, nil
}

// Config returns the tokenizer's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() { c.codec.Free() }

// Encode returns the tokens of a picture, pix [h, w, 3] bytes of red, green and blue,
// whose sides are [Config.Pixels]. The tokens are those of the coarsest scale, row by
// row, then of the next. Errors: cnn.ErrNoEncoder, cnn.ErrSize, [gpu.ErrOutOfMemory] for
// the first picture, and those of [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8, h, w int) (tokens []uint32, err error) {
	if err = c.codec.Encode(pix, h, w, func(code *gpu.Tensor) error { return cnn.ReadTokens(code.As(tensor.I32), &tokens) }); err != nil {
		return nil, fmt.Errorf("msvq.Encode: %w", err)
	}
	return tokens, nil
}

// EncodeFloats is [Codec.Encode] of values x [h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, h, w int) (tokens []uint32, err error) {
	if err = c.codec.EncodeFloats(x, h, w, func(code *gpu.Tensor) error { return cnn.ReadTokens(code.As(tensor.I32), &tokens) }); err != nil {
		return nil, fmt.Errorf("msvq.EncodeFloats: %w", err)
	}
	return tokens, nil
}

// Decode returns the picture of the tokens of all scales, [h, w, 3] bytes of red, green
// and blue. Errors: cnn.ErrNoDecoder, [ErrToken], [nn.ErrWeights] if a value overflows,
// [gpu.ErrOutOfMemory] for the first picture, and those of [gpu.Program.Run].
func (c *Codec) Decode(tokens []uint32) ([]uint8, error) {
	write, err := c.checkTokens(tokens)
	if err != nil {
		return nil, fmt.Errorf("msvq.Decode: %w", err)
	}
	pix, err := c.codec.Decode(c.cfg.Side(), c.cfg.Side(), write)
	if err != nil {
		return nil, fmt.Errorf("msvq.Decode: %w", err)
	}
	return pix, nil
}

// DecodeFloats is [Codec.Decode] to values [h, w, 3], nominally from -1 to 1, not cut
// off.
func (c *Codec) DecodeFloats(tokens []uint32) ([]float32, error) {
	write, err := c.checkTokens(tokens)
	if err != nil {
		return nil, fmt.Errorf("msvq.DecodeFloats: %w", err)
	}
	x, err := c.codec.DecodeFloats(c.cfg.Side(), c.cfg.Side(), write)
	if err != nil {
		return nil, fmt.Errorf("msvq.DecodeFloats: %w", err)
	}
	return x, nil
}

// checkTokens returns a writer of tokens to the device.
func (c *Codec) checkTokens(tokens []uint32) (func(code *gpu.Tensor) error, error) {
	if want := c.cfg.Tokens() * c.width(); len(tokens) != want {
		return nil, fmt.Errorf("%w: %d words of tokens for scales of %v, want %d", ErrToken, len(tokens), c.cfg.Sides, want)
	}
	if c.smooth {
		x := make([]float32, len(tokens))
		for i, t := range tokens {
			if x[i] = math.Float32frombits(t); math.IsNaN(float64(x[i])) || math.IsInf(float64(x[i]), 0) {
				return nil, fmt.Errorf("%w: number %d of a token is %g", ErrToken, i, x[i])
			}
		}
		return func(code *gpu.Tensor) error { return code.WriteF32(x) }, nil
	}
	ids, err := cnn.Indices(tokens, c.cfg.Codes)
	return func(code *gpu.Tensor) error { return code.WriteI32(ids) }, err
}

// width is the number of words of a token.
func (c *Codec) width() int { return scales{c.cfg, c.smooth}.width() }
