package star

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "star", Kind: system.Video, Samples: shard.KindStar,
		Tensors: []string{"proj_up.weight", "decoder.norm_out.norm_layer.gamma", ScaleName},
		Fields:  []string{"temporal_compression_list"}, Describe: describe,
	})
}

// describe reads a description; without one the autoencoder is the published one.
func describe(config json.RawMessage, _ nn.Weights) (system.Description, error) {
	if config == nil {
		return Default(), nil
	}
	c, err := ParseConfig(config)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// rate is that of the clips that InfinityStar was trained on.
var rate = clip.Rate{Num: 16, Den: 1}

// coding returns how a system codes features, and the options for its clips.
func (c Config) coding(s *system.System) (p Pyramids, o Options, err error) {
	in, ok := s.Input.(Coded)
	if !ok {
		return p, o, fmt.Errorf("%w: %s codes no features", ErrConfig, s.Name)
	}
	if p = in.Pyramids(); p.Detail != c.Width() {
		return p, o, fmt.Errorf("%w: features of %d numbers, and a generator's codes of %d bits", ErrConfig, c.Width(), p.Detail)
	}
	frames, side := c.Reduction()
	last := p.Sides[len(p.Sides)-1]
	// A system may end with half a chunk, which no clip of pixels is.
	return p, Options{T: 1 + (s.Grid[0]-1)/chunkFeatures*chunkFeatures*frames, H: last[0] * side, W: last[1] * side}, nil
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	_, o, err := c.coding(s)
	if err == nil {
		err = c.checkClip(o.T, o.H, o.W)
	}
	return system.Format{H: o.H, W: o.W, Rate: rate, Frames: 1}, err
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, s *system.System) (uint64, error) {
	p, o, err := c.coding(s)
	if err != nil {
		return 0, err
	}
	n, err := Bytes(c, w, o)
	return n + p.bytes(), err
}

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, s *system.System) (system.Tokenizer, error) {
	p, o, err := c.coding(s)
	if err != nil {
		return nil, fmt.Errorf("star.Load: %w", err)
	}
	codec, err := Open(dev, c, w, o)
	if err != nil {
		return nil, err
	}
	coder, err := NewCoder(dev, p)
	if err != nil {
		codec.Free()
		return nil, err
	}
	return &clips{codec, coder, s.Grid[0]}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	frames, side := c.Reduction()
	return []system.Fact{
		{Name: "tokenizer_features", Value: fmt.Sprintf("%d numbers", c.Width())},
		{Name: "tokenizer_levels", Value: fmt.Sprintf("%v channels, %d blocks each", c.Channels, c.Layers)},
		{Name: "tokenizer_side", Value: fmt.Sprintf("%d frames of %d by %d pixels a feature", frames, side, side)},
	}
}

// clips implements [system.Tokenizer] for a system that draws the codes of clips.
type clips struct {
	codec *Codec
	coder *Coder
	times int // of the system's clips at most
}

// Close implements [system.Tokenizer].
func (k *clips) Close() {
	k.codec.Free()
	k.coder.Free()
}

// framesOf returns the frames of times of features.
func (k *clips) framesOf(t int) int {
	m, _ := k.codec.cfg.Reduction()
	return 1 + (t-1)*m
}

// Begin implements [system.Tokenizer]. Without a clip it starts from nothing. Behind a clip
// it goes on from its last frame, or from the last frames that are one and whole clips of
// the system's.
func (k *clips) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	out := &system.Beginning{}
	if m.Clip != nil {
		if err := k.give(out, m.Clip, e.Frames); err != nil {
			return nil, fmt.Errorf("star.Begin: %w", err)
		}
	}
	t := k.times
	if n := out.Given + e.Frames; n > 0 {
		t = k.clipTimes(n)
		if k.framesOf(t) != n || t > k.times {
			return nil, fmt.Errorf("star.Begin: %w: a clip of %d frames, %d of them given; want one and a multiple of %d up to %d", system.ErrRequest, n, out.Given, k.framesOf(1+chunkFeatures)-1, k.framesOf(k.times))
		}
	}
	out.Prompt.Frames = t
	out.Finish = func(codes []uint32) (system.Media, shard.Sample, system.Measures, error) {
		m, err := k.decode(codes, t)
		return m, k.sample(id, codes, t), nil, err
	}
	return out, nil
}

// give takes the frames of a clip that are given, for so many more.
func (k *clips) give(out *system.Beginning, x *clip.Clip, more int) error {
	if more < 1 || x.T < 1 || k.times == 1 {
		return fmt.Errorf("%w: %d frames behind %d, of clips of %d at most", system.ErrRequest, more, x.T, k.framesOf(k.times))
	}
	t := min(k.clipTimes(x.T), k.times-1)
	t = 1 + (t-1)/k.coder.Clip*k.coder.Clip
	given, err := x.Slice(x.T-k.framesOf(t), x.T)
	if err != nil {
		return err
	}
	if given.T < x.T {
		out.Notes = append(out.Notes, fmt.Sprintf("the last %d of %d frames are given: one, or one and a multiple of %d", given.T, x.T, k.framesOf(1+k.coder.Clip)-1))
	}
	out.Given = given.T
	out.Prompt.Given, err = k.codes(given)
	return err
}

// clipTimes is the number of times of the whole chunks of so many frames.
func (k *clips) clipTimes(frames int) int {
	m, _ := k.codec.cfg.Reduction()
	return 1 + (frames-1)/(m*chunkFeatures)*chunkFeatures
}

func (k *clips) sample(id string, codes []uint32, t int) shard.Sample {
	last := k.coder.Sides[len(k.coder.Sides)-1]
	s := shard.Sample{ID: id, Kind: shard.KindStar, Grid: []int32{int32(t), int32(last[0]), int32(last[1]), int32(k.coder.Words())}}
	for _, x := range codes {
		s.Tokens = append(s.Tokens, int64(x))
	}
	return s
}

// decode returns the clip of the codes of t times of features.
func (k *clips) decode(codes []uint32, t int) (system.Media, error) {
	features, err := k.coder.Features(codes, t)
	if err != nil {
		return system.Media{}, err
	}
	last := k.coder.Sides[len(k.coder.Sides)-1]
	pix, err := k.codec.Decode(features, t, last[0], last[1])
	if err != nil {
		return system.Media{}, err
	}
	_, side := k.codec.cfg.Reduction()
	return system.Media{Clip: &clip.Clip{T: k.framesOf(t), H: last[0] * side, W: last[1] * side, Rate: rate, Pix: pix}}, nil
}

// codes returns those of a clip of whole chunks, by the means of its features.
func (k *clips) codes(x *clip.Clip) ([]uint32, error) {
	last := k.coder.Sides[len(k.coder.Sides)-1]
	if _, side := k.codec.cfg.Reduction(); x.H != last[0]*side || x.W != last[1]*side {
		return nil, fmt.Errorf("star.Encode: %w: frames of %d by %d, want %d by %d", ErrSize, x.H, x.W, last[0]*side, last[1]*side)
	}
	features, err := k.codec.Encode(x.Pix, x.T, x.H, x.W, nil)
	if err != nil {
		return nil, err
	}
	return k.coder.Codes(features)
}

// Encode turns a clip into codes. Frames behind the last whole chunk are not in them.
// Errors wrap those of [Codec.Encode], or system.ErrPrompt.
func (k *clips) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Clip
	if x == nil || x.T < 1 {
		return shard.Sample{}, nil, fmt.Errorf("star.Encode: %w: it wants a clip", system.ErrPrompt)
	}
	t := k.clipTimes(x.T)
	x, err := x.Slice(0, k.framesOf(t))
	if err != nil {
		return shard.Sample{}, nil, err
	}
	codes, err := k.codes(x)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	return k.sample(id, codes, t), system.Measures{"frames": float64(x.T)}, nil
}

// Decode turns a sample into a clip. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (k *clips) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("star.Decode: %w: %q: %s", shard.ErrSample, s.ID, fmt.Sprintf(format, args...))
	}
	last := k.coder.Sides[len(k.coder.Sides)-1]
	want := []int32{0, int32(last[0]), int32(last[1]), int32(k.coder.Words())}
	if s.Kind != shard.KindStar || len(s.Grid) != 4 || !slices.Equal(s.Grid[1:], want[1:]) || s.Grid[0] < 1 || s.Grid[0] > MaxFrames {
		return system.Media{}, nil, bad("%s %v, want times of %v", s.Kind, s.Grid, want[1:])
	}
	codes := make([]uint32, len(s.Tokens))
	for i, x := range s.Tokens {
		if x < 0 || x > math.MaxUint32 {
			return system.Media{}, nil, bad("token %d is %d, no word of a code", i, x)
		}
		codes[i] = uint32(x)
	}
	m, err := k.decode(codes, int(s.Grid[0]))
	return m, nil, err
}
