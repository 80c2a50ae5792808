package msvq

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	pix "github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "msvq", Kind: system.Image, Samples: shard.KindScales, Tensors: []string{codesName, "quantize.quant_resi.qresi_ls.0.weight"},
		Fields: []string{"vae_ch"}, Describe: describe,
	})
}

// describe reads a description, or takes the published one with the tensors' sizes.
func describe(config json.RawMessage, w nn.Weights) (system.Description, error) {
	c := Default()
	if config != nil {
		var err error
		if c, err = ParseConfig(config); err != nil {
			return nil, err
		}
		return c, nil
	}
	if shape, ok := w.Shape(codesName); ok && len(shape) == 2 {
		c.Codes, c.Dim = shape[0], shape[1]
	}
	return c, c.Validate()
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	if c.Codes != s.Token.Values || s.Token.Width != 0 && s.Token.Width != c.Dim || c.Side() != s.Grid[1] || c.Side() != s.Grid[2] || c.Tokens() != cmp.Or(s.Tokens, s.Layout.Length) {
		return system.Format{}, fmt.Errorf("the tokenizer has %d codes in scales of %v, the generator %d codes and %d tokens", c.Codes, c.Sides, s.Token.Values, cmp.Or(s.Tokens, s.Layout.Length))
	}
	return system.Format{Side: c.network().Reduction()}, nil
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, _ *system.System) (uint64, error) {
	return Bytes(c, w, Options{H: c.Pixels(), W: c.Pixels()})
}

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, s *system.System) (system.Tokenizer, error) {
	codec, err := load(dev, c, w, Options{H: c.Pixels(), W: c.Pixels()}, s.Token.Width > 0)
	if err != nil {
		return nil, err
	}
	return pictures{codec}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_codes", Value: fmt.Sprintf("%d of %d numbers", c.Codes, c.Dim)},
		{Name: "tokenizer_levels", Value: fmt.Sprintf("%d channels times %v, %d blocks each", c.Ch, c.ChMult, c.ResBlocks)},
		{Name: "tokenizer_scales", Value: fmt.Sprintf("%v tokens a side, of %d pixels", c.Sides, c.Pixels())},
	}
}

// pictures implements [system.Tokenizer].
type pictures struct{ codec *Codec }

// Close implements [system.Tokenizer].
func (p pictures) Close() { p.codec.Free() }

// Begin implements [system.Tokenizer]. A picture starts from the prompt alone.
func (p pictures) Begin(id string, _ system.Media, _ system.Extent) (*system.Beginning, error) {
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		m, err := p.decode(tokens)
		return m, p.sample(id, tokens), nil, err
	}}, nil
}

// grid lists the sides of the scales, and behind them the numbers of a smooth token.
func (c *Codec) grid() (out []int32) {
	for _, s := range c.cfg.Sides {
		out = append(out, int32(s))
	}
	if c.smooth {
		out = append(out, int32(c.cfg.Dim))
	}
	return out
}

func (p pictures) sample(id string, tokens []uint32) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindScales, Grid: p.codec.grid()}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s
}

func (p pictures) decode(tokens []uint32) (system.Media, error) {
	pixels, err := p.codec.Decode(tokens)
	if err != nil {
		return system.Media{}, err
	}
	n := p.codec.cfg.Pixels()
	return system.Media{Picture: &pix.Picture{H: n, W: n, Pix: pixels}}, nil
}

// Encode turns a picture of the tokenizer's size into a sample. Errors wrap those of
// [Codec.Encode], or system.ErrPrompt.
func (p pictures) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Picture
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("msvq.Encode: %w: it wants a picture", system.ErrPrompt)
	}
	tokens, err := p.codec.Encode(x.Pix, x.H, x.W)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	return p.sample(id, tokens), nil, nil
}

// Decode turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (p pictures) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindScales || !slices.Equal(s.Grid, p.codec.grid()) {
		return system.Media{}, nil, fmt.Errorf("msvq.Decode: %w: %q is %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid)
	}
	tokens, codes := make([]uint32, len(s.Tokens)), int64(p.codec.cfg.Codes)
	if p.codec.smooth {
		codes = 1 << 32 // words
	}
	for i, t := range s.Tokens {
		if t < 0 || t >= codes {
			return system.Media{}, nil, fmt.Errorf("msvq.Decode: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, t, codes)
		}
		tokens[i] = uint32(t)
	}
	m, err := p.decode(tokens)
	return m, nil, err
}
