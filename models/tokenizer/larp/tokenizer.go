package larp

import (
	"encoding/json"
	"fmt"
	"iter"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "larp", Kind: system.Video, Samples: shard.KindLARP, Tensors: []string{CodesName, "encoder_latent_query_embed"}, Fields: []string{"bottleneck_token_num"},
		Describe: func(config json.RawMessage, w nn.Weights) (system.Description, error) {
			c, err := Describe(config, w)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
	})
}

// rate is that of UCF-101, on which the published networks were trained.
var rate = clip.Rate{Num: 25, Den: 1}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	switch cells := s.Grid[0] * s.Grid[1] * s.Grid[2]; {
	case c.Codes != s.Token.Values:
		return system.Format{}, fmt.Errorf("the tokenizer has %d codes, the generator %d", c.Codes, s.Token.Values)
	case c.Tokens != cells:
		return system.Format{}, fmt.Errorf("the tokenizer has %d tokens a clip, the generator %d", c.Tokens, cells)
	}
	return system.Format{H: c.Side, W: c.Side, Rate: rate, Frames: c.Frames}, nil
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, _ *system.System) (uint64, error) { return Bytes(c, w, Options{}) }

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, _ *system.System) (system.Tokenizer, error) {
	codec, err := Open(dev, c, w, Options{})
	if err != nil {
		return nil, err
	}
	return clips{codec}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_codes", Value: fmt.Sprintf("%d of %d numbers", c.Codes, c.CodeWidth)},
		{Name: "tokenizer_clip", Value: fmt.Sprintf("%d tokens of %d frames of %d by %d", c.Tokens, c.Frames, c.Side, c.Side)},
		{Name: "tokenizer_blocks", Value: fmt.Sprintf("%d of width %d to read, %d of width %d to write", c.Encoder.Depth, c.Encoder.Width, c.Decoder.Depth, c.Decoder.Width)},
	}
}

// clips implements [system.Tokenizer]. A sample has the tokens of one clip after the
// other, [clips, tokens].
type clips struct{ codec *Codec }

// Close implements [system.Tokenizer].
func (k clips) Close() { k.codec.Free() }

// Begin implements [system.Tokenizer]. A clip starts from the prompt alone.
func (k clips) Begin(id string, m system.Media, _ system.Extent) (*system.Beginning, error) {
	if m.Clip != nil {
		return nil, fmt.Errorf("larp.Begin: %w: it draws clips of a class, and continues none", system.ErrPrompt)
	}
	return &system.Beginning{Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		m, err := k.decode(tokens)
		return m, k.sample(id, tokens), nil, err
	}}, nil
}

func (k clips) sample(id string, tokens []uint32) shard.Sample {
	n := k.codec.cfg.Tokens
	s := shard.Sample{ID: id, Kind: shard.KindLARP, Grid: []int32{int32(len(tokens) / n), int32(n)}}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s
}

// decode puts the clips of tokens one behind the other.
func (k clips) decode(tokens []uint32) (system.Media, error) {
	c := k.codec.cfg
	out := clip.New(len(tokens)/c.Tokens*c.Frames, c.Side, c.Side, rate)
	for i := range len(tokens) / c.Tokens {
		pix, err := k.codec.Decode(tokens[i*c.Tokens:][:c.Tokens])
		if err != nil {
			return system.Media{}, err
		}
		copy(out.Pix[i*c.Pixels():], pix)
	}
	return system.Media{Clip: out}, nil
}

// Encode turns the whole clips of a video into a sample; what is left at its end is not
// in it. Errors wrap those of [Codec.Encode], or system.ErrPrompt.
func (k clips) Encode(id string, m system.Media, e system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Clip
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("larp.Encode: %w: it wants a clip", system.ErrPrompt)
	}
	s, err := k.EncodeFrames(id, x.Rate, e, func(yield func([]uint8, error) bool) {
		for t := range x.T {
			if !yield(x.Frame(t), nil) {
				return
			}
		}
	})
	if err != nil {
		return shard.Sample{}, nil, err
	}
	return s, system.Measures{"frames": float64(int(s.Grid[0]) * k.codec.cfg.Frames)}, nil
}

// EncodeFrames is Encode of frames as they come, of which it keeps one clip.
func (k clips) EncodeFrames(id string, _ clip.Rate, e system.Extent, frames iter.Seq2[[]uint8, error]) (shard.Sample, error) {
	c := k.codec.cfg
	var tokens []uint32
	pix := make([]uint8, 0, c.Pixels())
	for frame, err := range frames {
		if err != nil {
			return shard.Sample{}, err
		}
		if want := c.Side * c.Side * colours; len(frame) != want {
			return shard.Sample{}, fmt.Errorf("larp.EncodeFrames: %w: a frame of %d bytes, want %d", ErrSize, len(frame), want)
		}
		if pix = append(pix, frame...); len(pix) < c.Pixels() {
			continue
		}
		more, err := k.codec.Encode(pix)
		if err != nil {
			return shard.Sample{}, err
		}
		tokens, pix = append(tokens, more...), pix[:0]
		if err := e.CheckTokens(len(tokens)); err != nil {
			return shard.Sample{}, err
		}
	}
	if tokens == nil {
		return shard.Sample{}, fmt.Errorf("larp.EncodeFrames: %w: fewer than %d frames at %g a second", ErrSize, c.Frames, rate.Hz())
	}
	return k.sample(id, tokens), nil
}

// Decode turns a sample into a clip. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (k clips) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	c := k.codec.cfg
	if s.Kind != shard.KindLARP || len(s.Grid) != 2 || s.Grid[0] < 1 || int(s.Grid[1]) != c.Tokens || int64(len(s.Tokens)) != int64(s.Grid[0])*int64(c.Tokens) {
		return system.Media{}, nil, fmt.Errorf("larp.Decode: %w: %q is %s %v with %d tokens", shard.ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens))
	}
	if s.Grid[0] > MaxFrames {
		return system.Media{}, nil, fmt.Errorf("larp.Decode: %w: %q has %d clips, maximum %d", shard.ErrSample, s.ID, s.Grid[0], MaxFrames)
	}
	tokens := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t >= int64(c.Codes) {
			return system.Media{}, nil, fmt.Errorf("larp.Decode: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, t, c.Codes)
		}
		tokens[i] = uint32(t)
	}
	m, err := k.decode(tokens)
	return m, nil, err
}
