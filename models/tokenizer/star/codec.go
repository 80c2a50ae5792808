package star

import (
	"fmt"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/kl"
)

// ScaleName is the tensor whose first number features are multiplied by. The others are
// of the quantisers of upstream's other models.
const ScaleName = "scale_learnable_parameters"

// Options say how an autoencoder is opened. The zero value is useful.
type Options struct {
	// T, H and W are the frames and pixels of the largest clip to come: [Open] fails where
	// the device has no room for it. 0 means that only the weights must fit.
	T, H, W int
	// Trace keeps every layer's output of the last chunks, for tests.
	Trace bool
}

// Codec turns clips into features and back on a device. It is safe for concurrent use:
// calls run one at a time.
type Codec struct {
	cfg   Config
	dev   *gpu.Device
	scale float64
	trace bool

	// enc goes to moments and project from latents to features. A direction that the
	// weights do not hold is nil.
	enc, project, dec *half

	mu     sync.Mutex
	params cnn.Table // nil after Free
}

// Open loads an autoencoder by upstream's names: encoder.*, proj_down.*, proj_up.*,
// decoder.* and [ScaleName]. Weights of one direction alone open for it. Other names are
// passed over.
//
// Errors: [ErrConfig]; [nn.ErrWeights] with the name and both shapes; [ErrSize] for
// Options; [gpu.ErrOutOfMemory] with the bytes needed and there, before anything is
// allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights, o Options) (*Codec, error) {
	c, bytes, err := plan(cfg, w, o)
	if err == nil {
		err = dev.CheckMemory(bytes)
	}
	if err == nil {
		c.dev, c.params = dev, cnn.Table{}
		err = c.load(w)
	}
	if err != nil {
		return nil, fmt.Errorf("star.Open: %w", err)
	}
	return c, nil
}

func (c *Codec) load(w nn.Weights) error {
	scale, err := nn.Finite(w, ScaleName)
	if err != nil {
		return err
	}
	if len(scale) == 0 || scale[0] == 0 {
		return fmt.Errorf("%w: %s is %v", nn.ErrWeights, ScaleName, scale)
	}
	c.scale = float64(scale[0])
	if err := c.params.Load(c.dev, w, c.all()); err != nil {
		c.Free()
		return err
	}
	return nil
}

// Bytes is the device memory that [Open] asks for with the same arguments, an estimate
// from above. Errors are those of [Open], but for memory.
func Bytes(cfg Config, w nn.Weights, o Options) (uint64, error) {
	_, n, err := plan(cfg, w, o)
	if err != nil {
		return 0, fmt.Errorf("star.Bytes: %w", err)
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
	enc, project, dec := &half{layers: cfg.encoder()}, &half{layers: cfg.project()}, &half{layers: cfg.decoder()}
	if names := []string{"encoder.", "proj_down."}; cnn.Has(w, names) {
		if err := cnn.Check(w, append(enc.params(), project.params()...), names); err != nil {
			return nil, 0, err
		}
		c.enc, c.project = enc, project
	}
	if names := []string{"decoder.", "proj_up."}; cnn.Has(w, names) {
		if err := cnn.Check(w, dec.params(), names); err != nil {
			return nil, 0, err
		}
		c.dec = dec
	}
	if c.enc == nil && c.dec == nil {
		return nil, 0, fmt.Errorf("%w: no tensor is called encoder.* or decoder.*", nn.ErrWeights)
	}
	most, err := c.most(o)
	return c, cnn.WeightBytes(c.all()) + most, err
}

// most is the memory of the direction that takes the most, over the largest clip to come.
func (c *Codec) most(o Options) (n uint64, err error) {
	if o.T == 0 && o.H == 0 && o.W == 0 {
		return 0, nil
	}
	if err := c.cfg.checkClip(o.T, o.H, o.W); err != nil {
		return 0, err
	}
	frames, side := c.cfg.Reduction()
	t := min(o.T, chunkFeatures*frames+1)
	if c.enc != nil {
		clip := extent{t, o.H, o.W}
		n = c.enc.bytes(clip) + c.project.bytes(c.enc.out(clip))
	}
	if c.dec != nil {
		n = max(n, c.dec.bytes(extent{(t-1)/frames + 1, o.H / side, o.W / side}))
	}
	return n, nil
}

func (c *Codec) all() (out []cnn.Param) {
	for _, h := range []*half{c.enc, c.project, c.dec} {
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
	c.freePrograms()
	c.params.Free()
	c.params = nil
}

func (c *Codec) freePrograms() {
	c.enc.free()
	c.project.free()
	c.dec.free()
}

// Encode returns the features of a clip, pix [t, h, w, 3] bytes of red, green and blue, as
// [1+(t-1)/m, h/n, w/n, 4z] with m and n of [Config.Reduction]. A clip has one frame, or
// one and a multiple of 2m. Noise, of as many numbers of a standard normal distribution
// as there are numbers of features, samples the latents, [.., 2h/n, 2w/n, z]; nil takes
// their means.
//
// Errors: cnn.ErrNoEncoder, [ErrSize], kl.ErrLatents for the noise, [nn.ErrWeights] if a
// value overflows, [gpu.ErrOutOfMemory] for a size that is new, and those of
// [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8, t, h, w int, noise []float32) ([]float32, error) {
	z, err := c.encode(len(pix), func() []float32 { return cnn.FromBytes(pix) }, t, h, w, noise)
	if err != nil {
		return nil, fmt.Errorf("star.Encode: %w", err)
	}
	return z, nil
}

// EncodeFloats is [Codec.Encode] of values x [t, h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, t, h, w int, noise []float32) ([]float32, error) {
	z, err := c.encode(len(x), func() []float32 { return x }, t, h, w, noise)
	if err != nil {
		return nil, fmt.Errorf("star.EncodeFloats: %w", err)
	}
	return z, nil
}

func (c *Codec) encode(values int, pixels func() []float32, t, h, w int, noise []float32) ([]float32, error) {
	if c.enc == nil {
		return nil, cnn.ErrNoEncoder
	}
	if err := c.cfg.checkClip(t, h, w); err != nil {
		return nil, err
	}
	if values != t*h*w*cnn.Colours {
		return nil, fmt.Errorf("%w: %d values for %d frames of %d by %d", ErrSize, values, t, h, w)
	}
	frames, _ := c.cfg.Reduction()
	latents := c.enc.out(extent{t, h, w})
	if noise != nil && len(noise) != latents.rows()*c.cfg.Z {
		return nil, fmt.Errorf("%w: %d numbers of noise for %d of latents", kl.ErrLatents, len(noise), latents.rows()*c.cfg.Z)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	size := chunkFeatures * frames
	largest := extent{min(t, size+1), h, w}
	if err := c.begin(task{c.enc, largest}, task{c.project, c.enc.out(largest)}); err != nil {
		return nil, err
	}
	x, out := pixels(), []float32(nil)
	frame := h * w * cnn.Colours
	err := chunks(t, size, func(k chunk, from int) error {
		part := noise
		if noise != nil {
			part = noise[len(out):][:c.enc.out(extent{k.t, h, w}).rows()*c.cfg.Z]
		}
		y, err := c.features(k, x[from*frame:][:k.t*frame], part)
		out = append(out, y...)
		return err
	})
	return out, err
}

// features returns those of a chunk of pixels.
func (c *Codec) features(k chunk, x, noise []float32) ([]float32, error) {
	moments, err := c.pass(c.enc, k, x)
	if err != nil {
		return nil, err
	}
	z, err := kl.Sample(moments, noise, c.cfg.Z, 0, 1)
	if err != nil {
		return nil, err
	}
	k.t = c.enc.out(extent{k.t, c.enc.size.h, c.enc.size.w}).t
	y, err := c.pass(c.project, k, z)
	for i := range y {
		y[i] = float32(float64(y[i]) * c.scale)
	}
	return y, err
}

// Decode returns the clip of features [t, rows, cols, 4z], as [Codec.Encode] gives them, as
// [1+(t-1)·m, rows·n, cols·n, 3] bytes of red, green and blue. There is one time of
// features, or an odd number.
//
// Errors: cnn.ErrNoDecoder, [ErrSize], kl.ErrLatents, [nn.ErrWeights] if a value
// overflows, [gpu.ErrOutOfMemory] for a size that is new, and those of [gpu.Program.Run].
func (c *Codec) Decode(features []float32, t, rows, cols int) (pix []uint8, err error) {
	err = c.decode(features, t, rows, cols, func(y []float32) error {
		pix = append(pix, cnn.ToBytes(y)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("star.Decode: %w", err)
	}
	return pix, nil
}

// DecodeFloats hands the values of some frames [frames, h, w, 3] at a time to each, in
// order, nominally from -1 to 1, not cut off. It stops at an error of each and returns it.
// Other errors are those of [Codec.Decode].
func (c *Codec) DecodeFloats(features []float32, t, rows, cols int, each func(x []float32) error) error {
	if err := c.decode(features, t, rows, cols, each); err != nil {
		return fmt.Errorf("star.DecodeFloats: %w", err)
	}
	return nil
}

func (c *Codec) decode(features []float32, t, rows, cols int, each func(x []float32) error) error {
	if c.dec == nil {
		return cnn.ErrNoDecoder
	}
	if err := c.cfg.checkFeatures(t, rows, cols); err != nil {
		return err
	}
	frame := rows * cols * c.cfg.Width()
	if len(features) != t*frame {
		return fmt.Errorf("%w: %d numbers for %d by %d by %d features of %d", kl.ErrLatents, len(features), t, rows, cols, c.cfg.Width())
	}
	z, err := kl.Unscale(features, 0, c.scale)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.begin(task{c.dec, extent{min(t, chunkFeatures+1), rows, cols}}); err != nil {
		return err
	}
	return chunks(t, chunkFeatures, func(k chunk, from int) error {
		x, err := c.pass(c.dec, k, z[from*frame:][:k.t*frame])
		if err != nil {
			return err
		}
		return each(x)
	})
}
