package vq

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Errors a caller can branch on.
var (
	ErrNoEncoder = cnn.ErrNoEncoder
	ErrNoDecoder = cnn.ErrNoDecoder
	ErrSize      = cnn.ErrSize
	// ErrToken reports a token that is no index of the code book.
	ErrToken = cnn.ErrToken
)

// Options say how a tokenizer is opened. The zero value is useful.
type Options = cnn.Options

// Codec turns pictures into tokens and back on a device. It is safe for concurrent
// use: calls run one at a time.
type Codec struct {
	cfg   Config
	codec *cnn.Codec
}

// model is the description of the networks and of what lies between.
func (c Config) model() cnn.Model {
	net := c.network()
	return cnn.Model{
		Encoder:      append(net.Encoder(), cnn.Conv("quant_conv", 1, c.ZChannels, c.CodebookEmbedDim)),
		Decoder:      append([]cnn.Layer{cnn.Conv("post_quant_conv", 1, c.CodebookEmbedDim, c.ZChannels)}, net.Decoder()...),
		EncoderNames: []string{"encoder.", "quant_conv."}, DecoderNames: []string{"decoder.", "post_quant_conv."},
		Latent: codes{c}, Reduction: net.Reduction(),
	}
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
	c, err := cnn.Open(dev, cfg.model(), w, o)
	if err != nil {
		return nil, fmt.Errorf("vq.Open: %w", err)
	}
	return &Codec{cfg, c}, nil
}

// Bytes is the device memory that [Open] asks for with the same arguments, an estimate
// from above. Errors are those of [Open], but for memory.
func Bytes(cfg Config, w nn.Weights, o Options) (uint64, error) {
	if err := cfg.Validate(); err != nil {
		return 0, err
	}
	n, err := cnn.Bytes(cfg.model(), w, o)
	if err != nil {
		return 0, fmt.Errorf("vq.Bytes: %w", err)
	}
	return n, nil
}

// Config returns the tokenizer's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() { c.codec.Free() }

// Encode returns the tokens of a picture, pix [h, w, 3] bytes of red, green and blue, as
// [h/n, w/n] row-major with n the [Config.Reduction]. A picture's tokens depend on
// nothing else. Errors: [ErrNoEncoder], [ErrSize], [gpu.ErrOutOfMemory] for a size that
// is new, and those of [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8, h, w int) (tokens []uint32, err error) {
	if err = c.codec.Encode(pix, h, w, func(code *gpu.Tensor) error { return cnn.ReadTokens(code, &tokens) }); err != nil {
		return nil, fmt.Errorf("vq.Encode: %w", err)
	}
	return tokens, nil
}

// EncodeFloats is [Codec.Encode] of values x [h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, h, w int) (tokens []uint32, err error) {
	if err = c.codec.EncodeFloats(x, h, w, func(code *gpu.Tensor) error { return cnn.ReadTokens(code, &tokens) }); err != nil {
		return nil, fmt.Errorf("vq.EncodeFloats: %w", err)
	}
	return tokens, nil
}

// Decode returns the picture of tokens [rows, cols] as [h, w, 3] bytes of red, green and
// blue, h and w being n times rows and cols with n the [Config.Reduction]. A picture
// depends on nothing else. Errors: [ErrNoDecoder], [ErrSize], [ErrToken],
// [nn.ErrWeights] if a value overflows, [gpu.ErrOutOfMemory] for a size that is new, and
// those of [gpu.Program.Run].
func (c *Codec) Decode(tokens []uint32, rows, cols int) ([]uint8, error) {
	ids, err := c.checkTokens(tokens, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("vq.Decode: %w", err)
	}
	pix, err := c.codec.Decode(rows, cols, func(code *gpu.Tensor) error { return code.WriteI32(ids) })
	if err != nil {
		return nil, fmt.Errorf("vq.Decode: %w", err)
	}
	return pix, nil
}

// DecodeFloats is [Codec.Decode] to values [h, w, 3], nominally from -1 to 1, not cut
// off.
func (c *Codec) DecodeFloats(tokens []uint32, rows, cols int) ([]float32, error) {
	ids, err := c.checkTokens(tokens, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("vq.DecodeFloats: %w", err)
	}
	x, err := c.codec.DecodeFloats(rows, cols, func(code *gpu.Tensor) error { return code.WriteI32(ids) })
	if err != nil {
		return nil, fmt.Errorf("vq.DecodeFloats: %w", err)
	}
	return x, nil
}

func (c *Codec) checkTokens(tokens []uint32, rows, cols int) ([]int32, error) {
	if err := c.codec.Latents(rows, cols); err != nil {
		return nil, err
	}
	if len(tokens) != rows*cols {
		return nil, fmt.Errorf("%w: %d tokens for a grid of %d by %d", ErrSize, len(tokens), rows, cols)
	}
	return cnn.Indices(tokens, c.cfg.CodebookSize)
}
