package models

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/vq"
)

// pictures is the tokenizer of a published system that draws pictures.
type pictures struct {
	codec      *vq.Codec
	rows, cols int // of the system's grid
	values     int // of a token
}

// openVQ opens the tokenizer beside a generator.
func (p *Published) openVQ(dev *gpu.Device) (system.Tokenizer, error) {
	codec, err := vq.Open(dev, p.VQ, p.Tokenizer, p.vqOptions())
	if err != nil {
		return nil, err
	}
	return pictures{codec: codec, rows: p.System.Grid[1], cols: p.System.Grid[2], values: p.System.Token.Values}, nil
}

// vqOptions are for pictures of the system's size.
func (p *Published) vqOptions() vq.Options {
	side := p.VQ.Reduction()
	return vq.Options{H: p.System.Grid[1] * side, W: p.System.Grid[2] * side}
}

// Close implements [system.Tokenizer].
func (p pictures) Close() { p.codec.Free() }

// Begin implements [system.Tokenizer]. A picture starts from the prompt alone.
func (p pictures) Begin(id string, _ system.Media, _ system.Extent) (*system.Beginning, error) {
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		s := sampleOf(id, tokens, p.rows, p.cols)
		m, err := p.decode(tokens, p.rows, p.cols)
		return m, s, nil, err
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
	pix, err := p.codec.Decode(tokens, rows, cols)
	if err != nil {
		return system.Media{}, err
	}
	r := p.codec.Config().Reduction()
	return system.Media{Picture: &picture.Picture{H: rows * r, W: cols * r, Pix: pix}}, nil
}

// Encode turns a picture of any size that is a multiple of a token's into a sample. Errors
// wrap those of package vq.
func (p pictures) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	if m.Picture == nil {
		return shard.Sample{}, nil, fmt.Errorf("models.Encode: %w: it wants a picture", system.ErrPrompt)
	}
	tokens, err := p.codec.Encode(m.Picture.Pix, m.Picture.H, m.Picture.W)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	r := p.codec.Config().Reduction()
	return sampleOf(id, tokens, m.Picture.H/r, m.Picture.W/r), nil, nil
}

// Decode turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// package vq.
func (p pictures) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindVQ || len(s.Grid) != 2 {
		return system.Media{}, nil, fmt.Errorf("models.Decode: %w: %q is %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid)
	}
	tokens := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t >= int64(p.values) {
			return system.Media{}, nil, fmt.Errorf("models.Decode: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, t, p.values)
		}
		tokens[i] = uint32(t)
	}
	m, err := p.decode(tokens, int(s.Grid[0]), int(s.Grid[1]))
	return m, nil, err
}
