package dar

import (
	"fmt"
	"hash/fnv"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Encode returns the tokens of a picture, pix [h, w, 3] bytes. A picture's tokens depend on
// nothing else. Errors: [ErrNoEncoder], [ErrSize], and those of [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8) ([]uint32, error) { return c.EncodeFloats(cnn.FromBytes(pix)) }

// EncodeFloats is [Codec.Encode] of values from -1 to 1.
func (c *Codec) EncodeFloats(x []float32) ([]uint32, error) {
	if len(x) != c.cfg.Pixels() {
		return nil, fmt.Errorf("dar.Encode: %w: %d values, want a picture of %d by %d", ErrSize, len(x), c.cfg.Side, c.cfg.Side)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dec == nil:
		return nil, gpu.ErrClosed
	case c.enc == nil:
		return nil, fmt.Errorf("dar.Encode: %w", ErrNoEncoder)
	}
	if err := c.enc.patches.WriteF32(c.cfg.cut(x, c.cfg.patch)); err != nil {
		return nil, err
	}
	if err := c.enc.run.Run(1); err != nil {
		return nil, err
	}
	var out []uint32
	err := cnn.ReadTokens(c.enc.tokens, &out)
	return out, err
}

// Decode returns the picture of tokens as [h, w, 3] bytes, from noise as [Config.Noise] makes it.
// Errors: [ErrSize], [ErrToken], [nn.ErrWeights] if a value overflows, and those of
// [gpu.Program.Run].
func (c *Codec) Decode(tokens []uint32, noise []float32) ([]uint8, error) {
	x, err := c.DecodeFloats(tokens, noise)
	if err != nil {
		return nil, err
	}
	return cnn.ToBytes(x), nil
}

// DecodeFloats is [Codec.Decode] to values nominally from -1 to 1, not cut off.
func (c *Codec) DecodeFloats(tokens []uint32, noise []float32) ([]float32, error) {
	ids, err := c.check(tokens, noise)
	if err != nil {
		return nil, fmt.Errorf("dar.Decode: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dec == nil {
		return nil, gpu.ErrClosed
	}
	if err := c.dec.tokens.WriteI32(ids); err != nil {
		return nil, err
	}
	if err := c.dec.patches.WriteF32(c.cfg.cut(noise, c.cfg.paint)); err != nil {
		return nil, err
	}
	if err := c.dec.run.Run(1); err != nil {
		return nil, err
	}
	x, err := c.dec.patches.F32()
	if err != nil {
		return nil, err
	}
	if !cnn.Finite(x) {
		return nil, fmt.Errorf("dar.Decode: %w: a pixel is not finite", nn.ErrWeights)
	}
	return c.cfg.join(x, c.cfg.paint), nil
}

func (c *Codec) check(tokens []uint32, noise []float32) ([]int32, error) {
	if len(tokens) != c.cfg.Tokens || len(noise) != c.cfg.Pixels() {
		return nil, fmt.Errorf("%w: %d tokens and %d numbers of noise, want %d and %d", ErrSize, len(tokens), len(noise), c.cfg.Tokens, c.cfg.Pixels())
	}
	return cnn.Indices(tokens, c.cfg.codes)
}

// Noise is the normal noise, [h, w, 3], that the picture of an id starts from.
func (c Config) Noise(id string) []float32 {
	h := fnv.New64a()
	h.Write([]byte(id))
	key, counter := sample.Stream(0, h.Sum64())
	out := make([]float32, 0, c.Pixels()+3)
	for i := uint32(0); len(out) < c.Pixels(); i++ {
		w := sample.Philox([4]uint32{i, 0, counter, noisePurpose}, key)
		for j := range 2 {
			u, v := (float64(w[2*j]>>8)+0.5)/(1<<24), (float64(w[2*j+1]>>8)+0.5)/(1<<24)
			sin, cos := math.Sincos(2 * math.Pi * v)
			r := math.Sqrt(-2 * math.Log(u))
			out = append(out, float32(r*cos), float32(r*sin))
		}
	}
	return out[:c.Pixels()]
}

// noisePurpose tells random numbers of pixels from those of tokens, see sample.Philox.
const noisePurpose = 512

// cut lays the values of a picture [h, w, 3] out as patches in raster order. The values of a
// patch are in the order of upstream's convolution: colour, row, column.
func (c Config) cut(x []float32, patch int) []float32 {
	out := make([]float32, len(x))
	c.each(patch, func(pixel, inside int) { out[inside] = x[pixel] })
	return out
}

// join makes a picture of patches.
func (c Config) join(patches []float32, patch int) []float32 {
	out := make([]float32, len(patches))
	c.each(patch, func(pixel, inside int) { out[pixel] = patches[inside] })
	return out
}

// each visits the values of a picture: their place in it, and in the patches.
func (c Config) each(patch int, visit func(pixel, inside int)) {
	for i := range c.Side * c.Side {
		y, x := i/c.Side, i%c.Side
		first := (y/patch*c.across(patch) + x/patch) * colours * patch * patch
		for colour := range colours {
			visit(i*colours+colour, first+(colour*patch+y%patch)*patch+x%patch)
		}
	}
}
