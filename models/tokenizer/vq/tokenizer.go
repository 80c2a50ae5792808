package vq

import (
	"encoding/json"
	"fmt"

	pix "github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "vq", Kind: system.Image, Samples: shard.KindVQ, Tensors: []string{"quantize.embedding.weight"}, Fields: []string{"codebook_size"}, Describe: describe,
	})
}

// describe reads a description, or takes the published one with as many levels.
func describe(config json.RawMessage, w nn.Weights) (system.Description, error) {
	if config != nil {
		return orNil(ParseConfig(config))
	}
	if _, ok := w.Shape("decoder.conv_blocks.4.res.0.conv1.weight"); ok {
		return orNil(Preset("VQ-16"))
	}
	return orNil(Preset("VQ-8"))
}

func orNil(c Config, err error) (system.Description, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	if c.CodebookSize != s.Token.Values {
		return system.Format{}, fmt.Errorf("the tokenizer has %d codes, the generator %d", c.CodebookSize, s.Token.Values)
	}
	return system.Format{Side: c.Reduction()}, nil
}

// options are for pictures of a system's size.
func (c Config) options(s *system.System) Options {
	return Options{H: s.Grid[1] * c.Reduction(), W: s.Grid[2] * c.Reduction()}
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
	table, err := w.Floats(codesName)
	if err != nil {
		codec.Free()
		return nil, err
	}
	if c.CodebookL2Norm {
		cnn.Normalize(table, c.CodebookEmbedDim)
	}
	return pictures{codec, s.Grid[1], s.Grid[2], table}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_codes", Value: fmt.Sprintf("%d of %d numbers", c.CodebookSize, c.CodebookEmbedDim)},
		{Name: "tokenizer_levels", Value: fmt.Sprintf("%d channels times %v, %d blocks each", c.Ch, c.ChMult, c.NumResBlocks)},
		{Name: "tokenizer_side", Value: fmt.Sprintf("%d pixels a token", c.Reduction())},
	}
}

// pictures implements [system.Tokenizer] for a system that draws pictures.
type pictures struct {
	codec      *Codec
	rows, cols int       // of the system's grid
	codes      []float32 // as they are compared
}

// Near returns the k nearest tokens to each by their codes, the nearest first, [tokens, k].
// At most all others are near.
func (p pictures) Near(k int) []uint32 {
	return nearest(p.codes, p.codec.cfg.CodebookEmbedDim, min(k, p.codec.cfg.CodebookSize-1))
}

// Close implements [system.Tokenizer].
func (p pictures) Close() { p.codec.Free() }

// Begin implements [system.Tokenizer]. A picture starts from the prompt alone.
func (p pictures) Begin(id string, _ system.Media, _ system.Extent) (*system.Beginning, error) {
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		tokens = tokens[:min(len(tokens), p.rows*p.cols)] // what the picture came from stands behind it
		m, err := p.decode(tokens, p.rows, p.cols)
		return m, sampleOf(id, tokens, p.rows, p.cols), nil, err
	}}, nil
}

func sampleOf(id string, tokens []uint32, rows, cols int) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindVQ, Grid: []int32{int32(rows), int32(cols)}}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s
}

func (p pictures) decode(tokens []uint32, rows, cols int) (system.Media, error) {
	pixels, err := p.codec.Decode(tokens, rows, cols)
	if err != nil {
		return system.Media{}, err
	}
	r := p.codec.cfg.Reduction()
	return system.Media{Picture: &pix.Picture{H: rows * r, W: cols * r, Pix: pixels}}, nil
}

// Encode turns a picture of any size that is a multiple of a token's into a sample. Errors
// wrap those of [Codec.Encode], or system.ErrPrompt.
func (p pictures) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Picture
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("vq.Encode: %w: it wants a picture", system.ErrPrompt)
	}
	tokens, err := p.codec.Encode(x.Pix, x.H, x.W)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	r := p.codec.cfg.Reduction()
	return sampleOf(id, tokens, x.H/r, x.W/r), nil, nil
}

// Decode turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (p pictures) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindVQ || len(s.Grid) != 2 {
		return system.Media{}, nil, fmt.Errorf("vq.Decode: %w: %q is %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid)
	}
	tokens, codes := make([]uint32, len(s.Tokens)), int64(p.codec.cfg.CodebookSize)
	for i, t := range s.Tokens {
		if t < 0 || t >= codes {
			return system.Media{}, nil, fmt.Errorf("vq.Decode: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, t, codes)
		}
		tokens[i] = uint32(t)
	}
	m, err := p.decode(tokens, int(s.Grid[0]), int(s.Grid[1]))
	return m, nil, err
}
