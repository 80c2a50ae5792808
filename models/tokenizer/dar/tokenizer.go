package dar

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "dar", Kind: system.Image, Samples: shard.KindVQ, Tensors: []string{CodesName, "query_embedding.weight", "diff_decoder.net.conv_in.weight"}, Fields: []string{"num_all_queries", "diff_decoder"},
		Describe: func(config json.RawMessage, w nn.Weights) (system.Description, error) {
			c, err := Describe(config, w)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
	})
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	switch cells := s.Grid[0] * s.Grid[1] * s.Grid[2]; {
	case c.codes != s.Token.Values:
		return system.Format{}, fmt.Errorf("the tokenizer has %d codes, the generator %d", c.codes, s.Token.Values)
	case c.Tokens != cells:
		return system.Format{}, fmt.Errorf("the tokenizer has %d tokens a picture, the generator %d", c.Tokens, cells)
	}
	return system.Format{H: c.Side, W: c.Side, Side: c.Side}, nil
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, _ *system.System) (uint64, error) { return Bytes(c, w, Options{}) }

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, _ *system.System) (system.Tokenizer, error) {
	codec, err := Open(dev, c, w, Options{})
	if err != nil {
		return nil, err
	}
	return pictures{codec}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_codes", Value: fmt.Sprintf("%d of %d numbers", c.codes, c.z)},
		{Name: "tokenizer_picture", Value: fmt.Sprintf("%d tokens of %d by %d pixels", c.Tokens, c.Side, c.Side)},
		{Name: "tokenizer_steps", Value: fmt.Sprintf("%d steps of diffusion, %d tokens each", c.Steps, c.Each)},
	}
}

// pictures implements [system.Tokenizer]. A sample is one row of tokens, [1, tokens].
type pictures struct{ codec *Codec }

// Close implements [system.Tokenizer].
func (p pictures) Close() { p.codec.Free() }

// Begin implements [system.Tokenizer]. A picture starts from the prompt alone.
func (p pictures) Begin(id string, _ system.Media, _ system.Extent) (*system.Beginning, error) {
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		m, err := p.decode(id, tokens)
		return m, sampleOf(id, tokens), nil, err
	}}, nil
}

func sampleOf(id string, tokens []uint32) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindVQ, Grid: []int32{1, int32(len(tokens))}}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s
}

func (p pictures) decode(id string, tokens []uint32) (system.Media, error) {
	c := p.codec.cfg
	pix, err := p.codec.Decode(tokens, c.Noise(id))
	if err != nil {
		return system.Media{}, err
	}
	return system.Media{Picture: &picture.Picture{H: c.Side, W: c.Side, Pix: pix}}, nil
}

// Encode turns a picture of the tokenizer's size into a sample. Errors wrap those of
// [Codec.Encode], or system.ErrPrompt.
func (p pictures) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Picture
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("dar.Encode: %w: it wants a picture", system.ErrPrompt)
	}
	if side := p.codec.cfg.Side; x.H != side || x.W != side {
		return shard.Sample{}, nil, fmt.Errorf("dar.Encode: %w: %d by %d pixels, want %d by %d", ErrSize, x.H, x.W, side, side)
	}
	tokens, err := p.codec.Encode(x.Pix)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	return sampleOf(id, tokens), nil, nil
}

// Decode turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (p pictures) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindVQ || len(s.Grid) != 2 {
		return system.Media{}, nil, fmt.Errorf("dar.Decode: %w: %q is %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid)
	}
	tokens := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t >= int64(p.codec.cfg.codes) {
			return system.Media{}, nil, fmt.Errorf("dar.Decode: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, t, p.codec.cfg.codes)
		}
		tokens[i] = uint32(t)
	}
	m, err := p.decode(s.ID, tokens)
	return m, nil, err
}
