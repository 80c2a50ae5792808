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
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "kl", Kind: system.Image, Samples: shard.KindLatents, Tensors: []string{"decoder.mid.attn_1.q.weight", "post_quant_conv.weight"},
		Fields: []string{"z_channels"}, Describe: describe,
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
	if shape, ok := w.Shape("post_quant_conv.weight"); ok && len(shape) == 4 {
		c.Z = shape[0]
	}
	return c, c.Validate()
}

// patch returns the side in latents of a system's tokens, 0 if they are none.
func (c Config) patch(s *system.System) int {
	p := int(math.Round(math.Sqrt(float64(s.Token.Width) / float64(c.Z))))
	if p*p*c.Z != s.Token.Width {
		return 0
	}
	return p
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	p := c.patch(s)
	if p < 1 {
		return system.Format{}, fmt.Errorf("the tokenizer has latents of %d numbers, the generator tokens of %d", c.Z, s.Token.Width)
	}
	return system.Format{Side: c.Reduction() * p}, nil
}

func (c Config) options(s *system.System) Options {
	n := c.Reduction() * c.patch(s)
	return Options{H: s.Grid[1] * n, W: s.Grid[2] * n}
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, s *system.System) (uint64, error) {
	return Bytes(c, w, c.options(s))
}

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, s *system.System) (system.Tokenizer, error) {
	codec, err := Open(dev, c, w, c.options(s))
	if err != nil {
		return nil, err
	}
	return pictures{codec, s.Grid[1], s.Grid[2], c.patch(s)}, nil
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
// square of patch by patch latents.
type pictures struct {
	codec             *Codec
	rows, cols, patch int // of the system's grid
}

// Close implements [system.Tokenizer].
func (p pictures) Close() { p.codec.Free() }

// Begin implements [system.Tokenizer]. A picture starts from the prompt alone.
func (p pictures) Begin(id string, _ system.Media, _ system.Extent) (*system.Beginning, error) {
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		m, err := p.decode(tokens, p.rows, p.cols)
		return m, p.sample(id, tokens, p.rows, p.cols), nil, err
	}}, nil
}

// sample keeps tokens as the bits of their numbers.
func (p pictures) sample(id string, tokens []uint32, rows, cols int) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindLatents, Grid: []int32{int32(rows), int32(cols), int32(p.width())}}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s
}

func (p pictures) width() int { return p.patch * p.patch * p.codec.cfg.Z }

// place returns where number j of a token lies among the latents of a grid of so many
// columns of tokens: channels lie before the rows and columns of the square.
func (p pictures) place(token, j, cols int) int {
	inside := j % (p.patch * p.patch)
	y, x := token/cols*p.patch+inside/p.patch, token%cols*p.patch+inside%p.patch
	return (y*cols*p.patch+x)*p.codec.cfg.Z + j/(p.patch*p.patch)
}

func (p pictures) decode(tokens []uint32, rows, cols int) (system.Media, error) {
	if len(tokens) != rows*cols*p.width() {
		return system.Media{}, fmt.Errorf("kl.Decode: %w: %d numbers for a grid of %d by %d", ErrLatents, len(tokens), rows, cols)
	}
	z := make([]float32, len(tokens))
	for i, t := range tokens {
		z[p.place(i/p.width(), i%p.width(), cols)] = math.Float32frombits(t)
	}
	h, w := rows*p.patch, cols*p.patch
	pixels, err := p.codec.Decode(z, h, w)
	if err != nil {
		return system.Media{}, err
	}
	n := p.codec.cfg.Reduction()
	return system.Media{Picture: &pix.Picture{H: h * n, W: w * n, Pix: pixels}}, nil
}

// Encode turns a picture of any size that is a multiple of a token's into a sample of the
// latents' means. Errors wrap those of [Codec.Encode], or system.ErrPrompt.
func (p pictures) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Picture
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("kl.Encode: %w: it wants a picture", system.ErrPrompt)
	}
	z, err := p.codec.Encode(x.Pix, x.H, x.W, nil)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	n := p.codec.cfg.Reduction() * p.patch
	if x.H%n != 0 || x.W%n != 0 {
		return shard.Sample{}, nil, fmt.Errorf("kl.Encode: %w: %d by %d, want multiples of %d", cnn.ErrSize, x.H, x.W, n)
	}
	rows, cols := x.H/n, x.W/n
	tokens := make([]uint32, len(z))
	for i := range tokens {
		tokens[i] = math.Float32bits(z[p.place(i/p.width(), i%p.width(), cols)])
	}
	return p.sample(id, tokens, rows, cols), nil, nil
}

// Decode turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (p pictures) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindLatents || len(s.Grid) != 3 || int(s.Grid[2]) != p.width() || s.Grid[0] < 1 || s.Grid[1] < 1 || s.Grid[0] > cnn.MaxSide || s.Grid[1] > cnn.MaxSide {
		return system.Media{}, nil, fmt.Errorf("kl.Decode: %w: %q is %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid)
	}
	tokens := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t > math.MaxUint32 {
			return system.Media{}, nil, fmt.Errorf("kl.Decode: %w: %q: number %d is %d, want the bits of a float", shard.ErrSample, s.ID, i, t)
		}
		tokens[i] = uint32(t)
	}
	m, err := p.decode(tokens, int(s.Grid[0]), int(s.Grid[1]))
	return m, nil, err
}
