package kl

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Options say how an autoencoder is opened. The zero value is useful.
type Options = cnn.Options

// Codec turns pictures into latents and back on a device. It is safe for concurrent
// use: calls run one at a time.
type Codec struct {
	cfg   Config
	codec *cnn.Codec
}

// moments stands between the networks. Its code is what the encoder gives, the means and
// the logarithms of the variances of latents, f32 [n, 2z]. The decoder reads the first z.
type moments struct{ z int }

// Params implements cnn.Latent.
func (m moments) Params() []cnn.Param { return nil }

// Code implements cnn.Latent.
func (m moments) Code(rows, cols int) (tensor.DType, int) { return tensor.F32, rows * cols * 2 * m.z }

// Encode implements cnn.Latent.
func (m moments) Encode(n *cnn.Net, x, code *gpu.Tensor) { n.Copy(code, x) }

// Decode implements cnn.Latent.
func (m moments) Decode(n *cnn.Net, code *gpu.Tensor) *gpu.Tensor {
	x := n.Map(m.z)
	n.Copy(x, code.View(0, x.Shape...))
	return x
}

// Bytes implements cnn.Latent.
func (m moments) Bytes(rows, cols int) uint64 { return 4 * uint64(rows*cols*m.z) }

func (c Config) model() cnn.Model {
	net := c.network()
	return cnn.Model{
		Encoder:      append(net.Encoder(), cnn.Conv("quant_conv", 1, 2*c.Z, 2*c.Z)),
		Decoder:      append([]cnn.Layer{cnn.Conv("post_quant_conv", 1, c.Z, c.Z)}, net.Decoder()...),
		EncoderNames: []string{"encoder.", "quant_conv."}, DecoderNames: []string{"decoder.", "post_quant_conv."},
		Latent: moments{c.Z}, Reduction: net.Reduction(),
	}
}

// Open loads an autoencoder by upstream's names: encoder.*, quant_conv.*,
// post_quant_conv.* and decoder.*. Weights of one half alone open for that direction.
// Other names are passed over.
//
// Errors: [ErrConfig]; [nn.ErrWeights] with the name and both shapes; cnn.ErrSize for
// Options; [gpu.ErrOutOfMemory] with the bytes needed and there, before anything is
// allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c, err := cnn.Open(dev, cfg.model(), w, o)
	if err != nil {
		return nil, fmt.Errorf("kl.Open: %w", err)
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
		return 0, fmt.Errorf("kl.Bytes: %w", err)
	}
	return n, nil
}

// Config returns the autoencoder's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() { c.codec.Free() }

// Encode returns the latents of a picture, pix [h, w, 3] bytes of red, green and blue, as
// [h/n, w/n, z] with n the [Config.Reduction], times Scale. Noise, of as many numbers of
// a standard normal distribution, samples them; nil takes their means. Errors:
// cnn.ErrNoEncoder, cnn.ErrSize, [ErrLatents] for the noise, [gpu.ErrOutOfMemory] for a
// size that is new, and those of [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8, h, w int, noise []float32) (latents []float32, err error) {
	err = c.codec.Encode(pix, h, w, func(code *gpu.Tensor) error {
		latents, err = c.sample(code, noise)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kl.Encode: %w", err)
	}
	return latents, nil
}

// EncodeFloats is [Codec.Encode] of values x [h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, h, w int, noise []float32) (latents []float32, err error) {
	err = c.codec.EncodeFloats(x, h, w, func(code *gpu.Tensor) error {
		latents, err = c.sample(code, noise)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kl.EncodeFloats: %w", err)
	}
	return latents, nil
}

// sample returns scaled latents of moments.
func (c *Codec) sample(code *gpu.Tensor, noise []float32) ([]float32, error) {
	m, err := code.F32()
	if err != nil {
		return nil, err
	}
	return Sample(m, noise, c.cfg.Z, 0, c.cfg.Scale)
}

// Decode returns the picture of latents [rows, cols, z], scaled as [Codec.Encode] gives
// them, as [h, w, 3] bytes of red, green and blue. Errors: cnn.ErrNoDecoder, cnn.ErrSize,
// [ErrLatents], [nn.ErrWeights] if a value overflows, [gpu.ErrOutOfMemory] for a size
// that is new, and those of [gpu.Program.Run].
func (c *Codec) Decode(latents []float32, rows, cols int) ([]uint8, error) {
	x, err := c.checkLatents(latents, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("kl.Decode: %w", err)
	}
	pix, err := c.codec.Decode(rows, cols, func(code *gpu.Tensor) error { return code.View(0, len(x)).WriteF32(x) })
	if err != nil {
		return nil, fmt.Errorf("kl.Decode: %w", err)
	}
	return pix, nil
}

// DecodeFloats is [Codec.Decode] to values [h, w, 3], nominally from -1 to 1, not cut
// off.
func (c *Codec) DecodeFloats(latents []float32, rows, cols int) ([]float32, error) {
	x, err := c.checkLatents(latents, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("kl.DecodeFloats: %w", err)
	}
	y, err := c.codec.DecodeFloats(rows, cols, func(code *gpu.Tensor) error { return code.View(0, len(x)).WriteF32(x) })
	if err != nil {
		return nil, fmt.Errorf("kl.DecodeFloats: %w", err)
	}
	return y, nil
}

// checkLatents returns latents without their scale.
func (c *Codec) checkLatents(latents []float32, rows, cols int) ([]float32, error) {
	if err := c.codec.Latents(rows, cols); err != nil {
		return nil, err
	}
	if len(latents) != rows*cols*c.cfg.Z {
		return nil, fmt.Errorf("%w: %d numbers for a grid of %d by %d with %d each", ErrLatents, len(latents), rows, cols, c.cfg.Z)
	}
	return Unscale(latents, 0, c.cfg.Scale)
}
