package larp

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Encode returns the tokens of a clip, pix [t, h, w, 3] bytes of red, green and blue. A
// clip's tokens depend on nothing else. Errors: [ErrNoEncoder], [ErrSize], and those of
// [gpu.Program.Run].
func (c *Codec) Encode(pix []uint8) ([]uint32, error) {
	x := make([]float32, len(pix))
	for i, b := range pix {
		x[i] = toFloat(b)
	}
	return c.EncodeFloats(x)
}

// EncodeFloats is [Codec.Encode] of values from 0 to 1.
func (c *Codec) EncodeFloats(x []float32) ([]uint32, error) {
	if len(x) != c.cfg.Pixels() {
		return nil, fmt.Errorf("larp.Encode: %w: %d values, want %d frames of %d by %d", ErrSize, len(x), c.cfg.Frames, c.cfg.Side, c.cfg.Side)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dec == nil:
		return nil, gpu.ErrClosed
	case c.enc == nil:
		return nil, fmt.Errorf("larp.Encode: %w", ErrNoEncoder)
	}
	if err := c.enc.patches.WriteF32(c.cfg.cut(x)); err != nil {
		return nil, err
	}
	if err := c.enc.run.Run(1); err != nil {
		return nil, err
	}
	var out []uint32
	err := cnn.ReadTokens(c.enc.tokens, &out)
	return out, err
}

// Decode returns the clip of tokens as [t, h, w, 3] bytes of red, green and blue. A clip
// depends on nothing else. Errors: [ErrSize], [ErrToken], [nn.ErrWeights] if a value
// overflows, and those of [gpu.Program.Run].
func (c *Codec) Decode(tokens []uint32) ([]uint8, error) {
	x, err := c.DecodeFloats(tokens)
	if err != nil {
		return nil, err
	}
	out := make([]uint8, len(x))
	for i, v := range x {
		out[i] = toByte(v)
	}
	return out, nil
}

// DecodeFloats is [Codec.Decode] to values nominally from 0 to 1, not cut off.
func (c *Codec) DecodeFloats(tokens []uint32) ([]float32, error) {
	ids, err := c.checkTokens(tokens)
	if err != nil {
		return nil, fmt.Errorf("larp.Decode: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dec == nil {
		return nil, gpu.ErrClosed
	}
	if err := c.dec.tokens.WriteI32(ids); err != nil {
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
		return nil, fmt.Errorf("larp.Decode: %w: a pixel is not finite", nn.ErrWeights)
	}
	return c.cfg.join(x), nil
}

func (c *Codec) checkTokens(tokens []uint32) ([]int32, error) {
	if len(tokens) != c.cfg.Tokens {
		return nil, fmt.Errorf("%w: %d tokens, a clip has %d", ErrSize, len(tokens), c.cfg.Tokens)
	}
	return cnn.Indices(tokens, c.cfg.Codes)
}
