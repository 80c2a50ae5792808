package vq

import (
	"fmt"

	"github.com/morton-gen/morton/models/nn"
)

// Encode returns the tokens of a picture, pix [h, w, 3] bytes of red, green and blue, as
// [h/n, w/n] row-major with n the [Config.Reduction]. A picture's tokens depend on
// nothing else. Errors: [ErrNoEncoder], [ErrSize], [gpu.ErrOutOfMemory] for a size that
// is new, and those of [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8, h, w int) ([]uint32, error) {
	if err := c.checkPixels("vq.Encode", len(pix), h, w); err != nil {
		return nil, err
	}
	x := make([]float32, len(pix))
	for i, b := range pix {
		x[i] = toFloat(b)
	}
	return c.encode(x, h, w)
}

// EncodeFloats is [Codec.Encode] of values x [h, w, 3] from -1 to 1.
func (c *Codec) EncodeFloats(x []float32, h, w int) ([]uint32, error) {
	if err := c.checkPixels("vq.EncodeFloats", len(x), h, w); err != nil {
		return nil, err
	}
	return c.encode(x, h, w)
}

func (c *Codec) checkPixels(where string, n, h, w int) error {
	if c.enc == nil {
		return fmt.Errorf("%s: %w", where, ErrNoEncoder)
	}
	if err := c.cfg.checkSize(h, w); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if n != h*w*colours {
		return fmt.Errorf("%s: %w: %d values for %d by %d pixels, want %d", where, ErrSize, n, h, w, h*w*colours)
	}
	return nil
}

func (c *Codec) encode(x []float32, h, w int) ([]uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.program(true, h, w)
	if err != nil {
		return nil, fmt.Errorf("vq.Encode: %w", err)
	}
	if err := p.pixels.WriteF32(widen(x)); err != nil {
		return nil, err
	}
	if err := p.run.Run(1); err != nil {
		return nil, err
	}
	ids, err := p.ids.I32()
	if err != nil {
		return nil, err
	}
	out := make([]uint32, len(ids))
	for i, id := range ids {
		out[i] = uint32(id)
	}
	return out, nil
}

// Decode returns the picture of tokens [rows, cols] as [h, w, 3] bytes of red, green and
// blue, h and w being n times rows and cols with n the [Config.Reduction]. A picture
// depends on nothing else. Errors: [ErrNoDecoder], [ErrSize], [ErrToken],
// [nn.ErrWeights] if a value overflows, [gpu.ErrOutOfMemory] for a size that is new, and
// those of [gpu.Program.Run].
func (c *Codec) Decode(tokens []uint32, rows, cols int) ([]uint8, error) {
	x, err := c.DecodeFloats(tokens, rows, cols)
	if err != nil {
		return nil, err
	}
	out := make([]uint8, len(x))
	for i, v := range x {
		out[i] = toByte(v)
	}
	return out, nil
}

// DecodeFloats is [Codec.Decode] to values [h, w, 3], nominally from -1 to 1, not cut
// off.
func (c *Codec) DecodeFloats(tokens []uint32, rows, cols int) ([]float32, error) {
	ids, err := c.checkTokens(tokens, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("vq.Decode: %w", err)
	}
	x, err := c.decode(ids, rows*c.cfg.Reduction(), cols*c.cfg.Reduction())
	if err != nil {
		return nil, fmt.Errorf("vq.Decode: %w", err)
	}
	if !finite(x) {
		return nil, fmt.Errorf("vq.Decode: %w: a pixel is not finite", nn.ErrWeights)
	}
	return x, nil
}

func (c *Codec) checkTokens(tokens []uint32, rows, cols int) ([]int32, error) {
	if c.dec == nil {
		return nil, ErrNoDecoder
	}
	n := c.cfg.Reduction()
	if rows < 1 || cols < 1 || rows > MaxSide || cols > MaxSide {
		return nil, fmt.Errorf("%w: %d by %d tokens", ErrSize, rows, cols)
	}
	if err := c.cfg.checkSize(rows*n, cols*n); err != nil {
		return nil, err
	}
	if len(tokens) != rows*cols {
		return nil, fmt.Errorf("%w: %d tokens for a grid of %d by %d", ErrSize, len(tokens), rows, cols)
	}
	ids := make([]int32, len(tokens))
	for i, t := range tokens {
		if uint64(t) >= uint64(c.cfg.CodebookSize) {
			return nil, fmt.Errorf("%w: token %d is %d, there are %d", ErrToken, i, t, c.cfg.CodebookSize)
		}
		ids[i] = int32(t)
	}
	return ids, nil
}

func (c *Codec) decode(ids []int32, h, w int) ([]float32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.program(false, h, w)
	if err != nil {
		return nil, err
	}
	if err := p.ids.WriteI32(ids); err != nil {
		return nil, err
	}
	if err := p.run.Run(1); err != nil {
		return nil, err
	}
	x, err := p.pixels.F32()
	if err != nil {
		return nil, err
	}
	return narrow(x), nil
}
