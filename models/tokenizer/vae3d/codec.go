package vae3d

import (
	"fmt"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/kl"
)

// Options say how an autoencoder is opened. The zero value is useful.
type Options struct {
	// T, H and W are the frames and pixels of the largest clip to come: [Open] fails where
	// the device has no room for it. 0 means that only the weights must fit.
	T, H, W int
	// Trace keeps every layer's output of the last window, for tests.
	Trace bool
}

// Codec turns clips into latents and back on a device. It is safe for concurrent use:
// calls run one at a time.
type Codec struct {
	cfg      Config
	dev      *gpu.Device
	enc, dec *half // nil for a direction that the weights do not hold
	trace    bool

	mu     sync.Mutex
	params cnn.Table // nil after Free
}

// Open loads an autoencoder by upstream's names: encoder.*, quant_conv.*,
// post_quant_conv.* and decoder.*. Weights of one half alone open for that direction.
// Other names are passed over.
//
// Errors: [ErrConfig]; [nn.ErrWeights] with the name and both shapes; [ErrSize] for
// Options; [gpu.ErrOutOfMemory] with the bytes needed and there, before anything is
// allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	c, bytes, err := plan(cfg, w, o)
	if err == nil {
		err = dev.CheckMemory(bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("vae3d.Open: %w", err)
	}
	c.dev, c.params = dev, cnn.Table{}
	if err := c.params.Load(dev, w, c.all()); err != nil {
		c.Free()
		return nil, fmt.Errorf("vae3d.Open: %w", err)
	}
	return c, nil
}

// Bytes is the device memory that [Open] asks for with the same arguments, an estimate
// from above. Errors are those of [Open], but for memory.
func Bytes(cfg Config, w nn.Weights, o Options) (uint64, error) {
	_, n, err := plan(cfg, w, o)
	if err != nil {
		return 0, fmt.Errorf("vae3d.Bytes: %w", err)
	}
	return n, nil
}

// plan finds the directions that the weights hold, checks their names and shapes, and
// returns the memory that they take.
func plan(cfg Config, w nn.Weights, o Options) (*Codec, uint64, error) {
	if err := cfg.Validate(); err != nil {
		return nil, 0, err
	}
	c := &Codec{cfg: cfg, trace: o.Trace}
	for to, h := range map[**half]*half{
		&c.enc: {layers: cfg.encoder(), names: []string{"encoder.", "quant_conv."}},
		&c.dec: {layers: cfg.decoder(), names: []string{"decoder.", "post_quant_conv."}},
	} {
		if !cnn.Has(w, h.names) {
			continue
		}
		if err := cnn.Check(w, h.params(), h.names); err != nil {
			return nil, 0, err
		}
		*to = h
	}
	if c.enc == nil && c.dec == nil {
		return nil, 0, fmt.Errorf("%w: no tensor is called encoder.* or decoder.*", nn.ErrWeights)
	}
	most, err := c.most(o)
	return c, cnn.WeightBytes(c.all()) + most, err
}

// most is the memory of the program that takes the most, over the largest clip to come.
func (c *Codec) most(o Options) (n uint64, err error) {
	if o.T == 0 && o.H == 0 && o.W == 0 {
		return 0, nil
	}
	if err := c.cfg.checkFrames(o.T, o.H, o.W); err != nil {
		return 0, err
	}
	frames, side := c.cfg.Reduction()
	if c.enc != nil {
		n = c.enc.bytes(extent{min(o.T, windowFrames), o.H, o.W})
	}
	if c.dec != nil {
		latents := min((o.T-1)/frames+1, windowLatents)
		n = max(n, c.dec.bytes(extent{latents, o.H / side, o.W / side}))
	}
	return n, nil
}

func (c *Codec) all() (out []cnn.Param) {
	for _, h := range []*half{c.enc, c.dec} {
		if h != nil {
			out = append(out, h.params()...)
		}
	}
	return out
}

// Config returns the autoencoder's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enc.free()
	c.dec.free()
	c.params.Free()
	c.params = nil
}

// Encode returns the latents of a clip, pix [t, h, w, 3] bytes of red, green and blue, as
// [1+(t-1)/m, h/n, w/n, z] with m and n of [Config.Reduction], less Shift and times Scale.
// Noise, of as many numbers of a standard normal distribution, samples them; nil takes
// their means. A clip has 1+m·i frames, and 1+16·i if it has more than 17.
//
// Errors: cnn.ErrNoEncoder, [ErrSize], kl.ErrLatents for the noise, [nn.ErrWeights] if a
// value overflows, [gpu.ErrOutOfMemory] for a size that is new, and those of
// [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8, t, h, w int, noise []float32) ([]float32, error) {
	z, err := c.encode(len(pix), func() []float32 { return cnn.FromBytes(pix) }, t, h, w, noise)
	if err != nil {
		return nil, fmt.Errorf("vae3d.Encode: %w", err)
	}
	return z, nil
}

// EncodeFloats is [Codec.Encode] of values x [t, h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, t, h, w int, noise []float32) ([]float32, error) {
	z, err := c.encode(len(x), func() []float32 { return x }, t, h, w, noise)
	if err != nil {
		return nil, fmt.Errorf("vae3d.EncodeFloats: %w", err)
	}
	return z, nil
}

func (c *Codec) encode(values int, pixels func() []float32, t, h, w int, noise []float32) ([]float32, error) {
	if c.enc == nil {
		return nil, cnn.ErrNoEncoder
	}
	if err := c.cfg.checkFrames(t, h, w); err != nil {
		return nil, err
	}
	if values != floatsOf(t, h, w) {
		return nil, fmt.Errorf("%w: %d values for %d frames of %d by %d", ErrSize, values, t, h, w)
	}
	var moments []float32
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.windows(c.enc, extent{t, h, w}, windowFrames, pixels(), func(y []float32) error {
		moments = append(moments, y...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return kl.Sample(moments, noise, c.cfg.Z, c.cfg.Shift, c.cfg.Scale)
}

// Decode returns the clip of latents [t, rows, cols, z], as [Codec.Encode] gives them, as
// [1+(t-1)·m, rows·n, cols·n, 3] bytes of red, green and blue. There are up to 5 times of
// latents, or 1+4·i.
//
// Errors: cnn.ErrNoDecoder, [ErrSize], kl.ErrLatents, [nn.ErrWeights] if a value
// overflows, [gpu.ErrOutOfMemory] for a size that is new, and those of [gpu.Program.Run].
func (c *Codec) Decode(latents []float32, t, rows, cols int) (pix []uint8, err error) {
	err = c.decode(latents, t, rows, cols, func(y []float32) error {
		pix = append(pix, cnn.ToBytes(y)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("vae3d.Decode: %w", err)
	}
	return pix, nil
}

// DecodeFloats hands the values of some frames [frames, h, w, 3] at a time to each, in
// order, nominally from -1 to 1, not cut off. It stops at an error of each and returns it.
// Other errors are those of [Codec.Decode].
func (c *Codec) DecodeFloats(latents []float32, t, rows, cols int, each func(x []float32) error) error {
	if err := c.decode(latents, t, rows, cols, each); err != nil {
		return fmt.Errorf("vae3d.DecodeFloats: %w", err)
	}
	return nil
}

func (c *Codec) decode(latents []float32, t, rows, cols int, each func(x []float32) error) error {
	if c.dec == nil {
		return cnn.ErrNoDecoder
	}
	if err := c.cfg.checkLatents(t, rows, cols); err != nil {
		return err
	}
	if len(latents) != t*rows*cols*c.cfg.Z {
		return fmt.Errorf("%w: %d numbers for %d by %d by %d latents of %d", kl.ErrLatents, len(latents), t, rows, cols, c.cfg.Z)
	}
	z, err := kl.Unscale(latents, c.cfg.Shift, c.cfg.Scale)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.windows(c.dec, extent{t, rows, cols}, windowLatents, z, each)
}
