package kl

import (
	"encoding/json"
	"fmt"
	"math"

	pix "github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "kl", Kind: system.Image, Samples: shard.KindKL, Tensors: []string{"post_quant_conv.weight", "decoder.mid.block_1.norm1.weight"},
		Without: []string{"quantize.embedding.weight"}, Fields: []string{"z_channels"}, Describe: describe,
	})
}

// describe reads a description, or takes the published one with as many channels.
func describe(config json.RawMessage, w nn.Weights) (system.Description, error) {
	c := Default()
	if shape, ok := w.Shape("post_quant_conv.weight"); ok && len(shape) > 0 {
		c.Z = shape[0]
	}
	var err error
	if config != nil {
		c, err = ParseConfig(config)
	}
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// patch returns the side in latents of a system's tokens.
func (c Config) patch(s *system.System) (int, error) {
	p := int(math.Round(math.Sqrt(float64(s.Token.Width) / float64(c.Z))))
	if s.Token.Width == 0 || p*p*c.Z != s.Token.Width {
		return 0, fmt.Errorf("the tokenizer has latents of %d numbers, the generator tokens of %d", c.Z, s.Token.Width)
	}
	return p, nil
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	p, err := c.patch(s)
	return system.Format{Side: p * c.Reduction()}, err
}

// options are for pictures of a system's size.
func (c Config) options(s *system.System, patch int) Options {
	side := c.Reduction() * patch
	return Options{H: s.Grid[1] * side, W: s.Grid[2] * side}
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, s *system.System) (uint64, error) {
	p, err := c.patch(s)
	if err != nil {
		return 0, err
	}
	return Bytes(c, w, c.options(s, p))
}

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, s *system.System) (system.Tokenizer, error) {
	p, err := c.patch(s)
	if err != nil {
		return nil, fmt.Errorf("kl.Load: %w: %w", ErrConfig, err)
	}
	codec, err := Open(dev, c, w, c.options(s, p))
	if err != nil {
		return nil, err
	}
	return pictures{codec, s.Grid[1], s.Grid[2], p}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_latents", Value: fmt.Sprintf("%d numbers, times %g", c.Z, c.Scale)},
		{Name: "tokenizer_levels", Value: fmt.Sprintf("%d channels times %v, %d blocks each", c.Ch, c.ChMult, c.ResBlocks)},
		{Name: "tokenizer_side", Value: fmt.Sprintf("%d pixels a latent", c.Reduction())},
	}
}

// pictures implements [system.Tokenizer] for a system that draws pictures. A token is a
// patch of latents: channels, rows and columns, the last fastest.
type pictures struct {
	codec      *Codec
	rows, cols int // of the system's grid
	patch      int // side of a token in latents
}

// Close implements [system.Tokenizer].
func (p pictures) Close() { p.codec.Free() }

// Begin implements [system.Tokenizer]. A picture starts from the prompt alone.
func (p pictures) Begin(id string, _ system.Media, _ system.Extent) (*system.Beginning, error) {
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		tokens = tokens[:min(len(tokens), p.rows*p.cols*p.width())] // what the picture came from stands behind it
		m, err := p.decode(tokens, p.rows, p.cols)
		return m, p.sample(id, tokens, p.rows, p.cols), nil, err
	}}, nil
}

// width is the number of numbers of a token.
func (p pictures) width() int { return p.codec.cfg.Z * p.patch * p.patch }

func (p pictures) sample(id string, tokens []uint32, rows, cols int) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindKL, Grid: []int32{int32(rows), int32(cols), int32(p.width())}}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s
}

// at is the index of number i of a token among latents of so many columns of tokens.
func (p pictures) at(token, i, cols int) int {
	y, x := token/cols*p.patch+i/p.patch%p.patch, token%cols*p.patch+i%p.patch
	return (y*cols*p.patch+x)*p.codec.cfg.Z + i/p.patch/p.patch
}

func (p pictures) decode(tokens []uint32, rows, cols int) (system.Media, error) {
	latents := make([]float32, len(tokens))
	for i, t := range tokens {
		latents[p.at(i/p.width(), i%p.width(), cols)] = math.Float32frombits(t)
	}
	pixels, err := p.codec.Decode(latents, rows*p.patch, cols*p.patch)
	if err != nil {
		return system.Media{}, err
	}
	r := p.codec.cfg.Reduction() * p.patch
	return system.Media{Picture: &pix.Picture{H: rows * r, W: cols * r, Pix: pixels}}, nil
}

// Encode turns a picture of any size that is a multiple of a token's into the means of its
// latents. Errors wrap those of [Codec.Encode], or system.ErrPrompt.
func (p pictures) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Picture
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("kl.Encode: %w: it wants a picture", system.ErrPrompt)
	}
	r := p.codec.cfg.Reduction() * p.patch
	if x.H%r != 0 || x.W%r != 0 {
		return shard.Sample{}, nil, fmt.Errorf("kl.Encode: %w: %d by %d pixels, want multiples of %d", system.ErrPrompt, x.H, x.W, r)
	}
	latents, err := p.codec.Encode(x.Pix, x.H, x.W, nil)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	tokens := make([]uint32, len(latents))
	for i := range tokens {
		tokens[i] = math.Float32bits(latents[p.at(i/p.width(), i%p.width(), x.W/r)])
	}
	return p.sample(id, tokens, x.H/r, x.W/r), nil, nil
}

// Decode turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (p pictures) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindKL || len(s.Grid) != 3 || int(s.Grid[2]) != p.width() || s.Grid[0] < 1 || s.Grid[1] < 1 ||
		int64(len(s.Tokens)) != int64(s.Grid[0])*int64(s.Grid[1])*int64(s.Grid[2]) {
		return system.Media{}, nil, fmt.Errorf("kl.Decode: %w: %q is %s %v with %d numbers, want tokens of %d", shard.ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), p.width())
	}
	tokens := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t > math.MaxUint32 {
			return system.Media{}, nil, fmt.Errorf("kl.Decode: %w: %q: token %d is %d, no bits of a number", shard.ErrSample, s.ID, i, t)
		}
		tokens[i] = uint32(t)
	}
	m, err := p.decode(tokens, int(s.Grid[0]), int(s.Grid[1]))
	return m, nil, err
}
