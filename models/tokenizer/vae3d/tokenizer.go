package vae3d

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "vae3d", Kind: system.Video, Samples: shard.KindVAE3D,
		Tensors: []string{"post_quant_conv.weight", "decoder.mid_block.attentions.0.to_q.weight", "decoder.up_blocks.0.resnets.0.conv1.weight"},
		Fields:  []string{"up_block_types"}, Describe: describe,
	})
}

// describe reads a description, without which there is no autoencoder.
func describe(config json.RawMessage, _ nn.Weights) (system.Description, error) {
	c, err := ParseConfig(config)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// rate is that of the clips that NOVA was trained on.
var rate = clip.Rate{Num: 12, Den: 1}

// patch returns the side in latents of a system's tokens.
func (c Config) patch(s *system.System) (int, error) {
	p := int(math.Round(math.Sqrt(float64(s.Token.Width) / float64(c.Z))))
	if s.Token.Width == 0 || p*p*c.Z != s.Token.Width {
		return 0, fmt.Errorf("%w: latents of %d numbers, and a generator's tokens of %d", ErrConfig, c.Z, s.Token.Width)
	}
	return p, nil
}

// options are for clips of a system's size.
func (c Config) options(s *system.System) (o Options, patch int, err error) {
	patch, err = c.patch(s)
	frames, side := c.Reduction()
	return Options{T: 1 + (s.Grid[0]-1)*frames, H: s.Grid[1] * patch * side, W: s.Grid[2] * patch * side}, patch, err
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	o, _, err := c.options(s)
	if err == nil {
		err = c.checkFrames(o.T, o.H, o.W)
	}
	return system.Format{H: o.H, W: o.W, Rate: rate, Frames: 1}, err
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, s *system.System) (uint64, error) {
	o, _, err := c.options(s)
	if err != nil {
		return 0, err
	}
	return Bytes(c, w, o)
}

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, s *system.System) (system.Tokenizer, error) {
	o, patch, err := c.options(s)
	if err != nil {
		return nil, fmt.Errorf("vae3d.Load: %w", err)
	}
	codec, err := Open(dev, c, w, o)
	if err != nil {
		return nil, err
	}
	return clips{codec, tokens{patch, c.Z}, extent{s.Grid[0], s.Grid[1], s.Grid[2]}}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	frames, side := c.Reduction()
	return []system.Fact{
		{Name: "tokenizer_latents", Value: fmt.Sprintf("%d numbers, times %g", c.Z, c.Scale)},
		{Name: "tokenizer_levels", Value: fmt.Sprintf("%v channels, %d blocks each", c.Channels, c.Layers)},
		{Name: "tokenizer_side", Value: fmt.Sprintf("%d frames of %d by %d pixels a latent", frames, side, side)},
	}
}

// tokens are patches of latents: rows, columns and channels, the last fastest.
type tokens struct{ patch, z int }

// width is the number of numbers of a token.
func (p tokens) width() int { return p.patch * p.patch * p.z }

// at is the index of number i of a token among latents of so many columns of tokens. Rows
// of all times lie one below the other.
func (p tokens) at(token, i, cols int) int {
	y, x := token/cols*p.patch+i/p.z/p.patch, token%cols*p.patch+i/p.z%p.patch
	return (y*cols*p.patch+x)*p.z + i%p.z
}

// clips implements [system.Tokenizer] for a system that draws clips.
type clips struct {
	codec *Codec
	tokens
	grid extent // of the system, in tokens
}

// Close implements [system.Tokenizer].
func (k clips) Close() { k.codec.Free() }

// Begin implements [system.Tokenizer]. Without a clip it starts from nothing. Behind a clip
// it goes on from the last frames that have latents of their own.
func (k clips) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	out := &system.Beginning{}
	if m.Clip != nil {
		if err := k.give(out, id, m.Clip, e.Frames); err != nil {
			return nil, fmt.Errorf("vae3d.Begin: %w", err)
		}
	}
	grid := k.grid
	if n := out.Given + e.Frames; n > 0 {
		frames, _ := k.codec.cfg.Reduction()
		grid.t = 1 + (n-1)/frames
		if k.framesOf(grid.t) != n || grid.t > k.grid.t {
			return nil, fmt.Errorf("vae3d.Begin: %w: a clip of %d frames, %d of them given; want one and a multiple of %d up to %d", system.ErrRequest, n, out.Given, frames, k.framesOf(k.grid.t))
		}
	}
	if err := k.codec.cfg.checkLatents(grid.t, grid.h*k.patch, grid.w*k.patch); err != nil {
		return nil, fmt.Errorf("vae3d.Begin: %w: %w", system.ErrRequest, err)
	}
	out.Prompt.Frames = grid.t
	out.Finish = func(bits []uint32) (system.Media, shard.Sample, system.Measures, error) {
		bits = bits[:min(len(bits), grid.t*grid.h*grid.w*k.width())] // smaller scales of a clip stand behind it
		m, err := k.decode(bits, grid)
		return m, k.sample(id, bits, grid), nil, err
	}
	return out, nil
}

// framesOf returns the frames of so many times of latents.
func (k clips) framesOf(t int) int {
	frames, _ := k.codec.cfg.Reduction()
	return 1 + (t-1)*frames
}

// give takes the frames of a clip that are given, for so many more.
func (k clips) give(out *system.Beginning, id string, x *clip.Clip, more int) error {
	if more < 1 || x.T < 1 || k.grid.t == 1 {
		return fmt.Errorf("%w: %d frames behind %d, of clips of %d at most", system.ErrRequest, more, x.T, k.framesOf(k.grid.t))
	}
	n := 1
	for t := 2; t < k.grid.t && k.framesOf(t) <= x.T; t++ {
		if k.codec.cfg.checkFrames(k.framesOf(t), x.H, x.W) == nil {
			n = k.framesOf(t)
		}
	}
	given, err := x.Slice(x.T-n, x.T)
	if err != nil {
		return err
	}
	s, _, err := k.Encode(id, system.Media{Clip: given}, system.Extent{})
	if err != nil {
		return err
	}
	if s.Grid[1] != int32(k.grid.h) || s.Grid[2] != int32(k.grid.w) {
		return fmt.Errorf("%w: frames of %d by %d pixels, the model's have %d by %d tokens", ErrSize, x.H, x.W, k.grid.h, k.grid.w)
	}
	if n < x.T {
		out.Notes = append(out.Notes, fmt.Sprintf("the last %d of %d frames are given", n, x.T))
	}
	out.Given = n
	for _, b := range s.Tokens {
		out.Prompt.Given = append(out.Prompt.Given, uint32(b))
	}
	return nil
}

func (k clips) sample(id string, bits []uint32, e extent) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindVAE3D, Grid: []int32{int32(e.t), int32(e.h), int32(e.w), int32(k.width())}}
	for _, b := range bits {
		s.Tokens = append(s.Tokens, int64(b))
	}
	return s
}

// decode returns the clip of e tokens.
func (k clips) decode(bits []uint32, e extent) (system.Media, error) {
	latents := make([]float32, len(bits))
	for i, b := range bits {
		latents[k.at(i/k.width(), i%k.width(), e.w)] = math.Float32frombits(b)
	}
	pix, err := k.codec.Decode(latents, e.t, e.h*k.patch, e.w*k.patch)
	if err != nil {
		return system.Media{}, err
	}
	_, side := k.codec.cfg.Reduction()
	side *= k.patch
	return system.Media{Clip: &clip.Clip{T: k.framesOf(e.t), H: e.h * side, W: e.w * side, Rate: rate, Pix: pix}}, nil
}

// Encode turns a clip into the means of its latents. Frames behind the last whole window
// are not in it. Errors wrap those of [Codec.Encode], or system.ErrPrompt.
func (k clips) Encode(id string, m system.Media, most system.Extent) (shard.Sample, system.Measures, error) {
	x := m.Clip
	if x == nil {
		return shard.Sample{}, nil, fmt.Errorf("vae3d.Encode: %w: it wants a clip", system.ErrPrompt)
	}
	s, err := k.encode(id, x.H, x.W, most, func(yield func([]uint8, error) bool) {
		for t := range x.T {
			if !yield(x.Frame(t), nil) {
				return
			}
		}
	})
	if err != nil {
		return shard.Sample{}, nil, err
	}
	frames, _ := k.codec.cfg.Reduction()
	return s, system.Measures{"frames": float64(1 + (int(s.Grid[0])-1)*frames)}, nil
}

// EncodeFrames is Encode of frames of the system's size as they come, of which it keeps
// one window.
func (k clips) EncodeFrames(id string, _ clip.Rate, most system.Extent, frames iter.Seq2[[]uint8, error]) (shard.Sample, error) {
	_, side := k.codec.cfg.Reduction()
	return k.encode(id, k.grid.h*k.patch*side, k.grid.w*k.patch*side, most, frames)
}

func (k clips) encode(id string, h, w int, most system.Extent, frames iter.Seq2[[]uint8, error]) (shard.Sample, error) {
	m, side := k.codec.cfg.Reduction()
	e := extent{h: h / side / k.patch, w: w / side / k.patch}
	if e.h*side*k.patch != h || e.w*side*k.patch != w {
		return shard.Sample{}, fmt.Errorf("vae3d.Encode: %w: %d by %d pixels, want multiples of %d", ErrSize, h, w, side*k.patch)
	}
	size := h * w * cnn.Colours
	var latents []float32
	var pix []uint8
	take := func(t int) error {
		z, err := k.codec.Encode(pix[:t*size], t, h, w, nil)
		if err == nil && latents != nil { // the first is the frame that windows share
			z = z[e.h*e.w*k.width():]
		}
		if err != nil {
			return err
		}
		latents = append(latents, z...)
		return most.CheckTokens(len(latents))
	}
	for frame, err := range frames {
		if err == nil && len(frame) != size {
			err = fmt.Errorf("vae3d.Encode: %w: a frame of %d bytes, want %d", ErrSize, len(frame), size)
		}
		if err != nil {
			return shard.Sample{}, err
		}
		if pix = append(pix, frame...); len(pix) == windowFrames*size {
			if err := take(windowFrames); err != nil {
				return shard.Sample{}, err
			}
			pix = append(pix[:0], pix[(windowFrames-1)*size:]...)
		}
	}
	if n := len(pix) / size; latents == nil {
		if n == 0 {
			return shard.Sample{}, fmt.Errorf("vae3d.Encode: %w: no frames", ErrSize)
		}
		if err := take(1 + (n-1)/m*m); err != nil {
			return shard.Sample{}, err
		}
	}
	e.t = len(latents) / (e.h * e.w * k.width())
	bits := make([]uint32, len(latents))
	for i := range bits {
		bits[i] = math.Float32bits(latents[k.at(i/k.width(), i%k.width(), e.w)])
	}
	return k.sample(id, bits, e), nil
}

// Decode turns a sample into a clip. The error wraps [shard.ErrSample] or is that of
// [Codec.Decode].
func (k clips) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	if s.Kind != shard.KindVAE3D || len(s.Grid) != 4 || int(s.Grid[3]) != k.width() {
		return system.Media{}, nil, fmt.Errorf("vae3d.Decode: %w: %q is %s %v, want tokens of %d", shard.ErrSample, s.ID, s.Kind, s.Grid, k.width())
	}
	e := extent{int(s.Grid[0]), int(s.Grid[1]), int(s.Grid[2])}
	if err := k.codec.cfg.checkLatents(e.t, e.h*k.patch, e.w*k.patch); err != nil {
		return system.Media{}, nil, fmt.Errorf("vae3d.Decode: %w: %q: %w", shard.ErrSample, s.ID, err)
	}
	if len(s.Tokens) != e.rows()*k.width() {
		return system.Media{}, nil, fmt.Errorf("vae3d.Decode: %w: %q has %d numbers for %v", shard.ErrSample, s.ID, len(s.Tokens), s.Grid)
	}
	bits := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t > math.MaxUint32 {
			return system.Media{}, nil, fmt.Errorf("vae3d.Decode: %w: %q: token %d is %d, no bits of a number", shard.ErrSample, s.ID, i, t)
		}
		bits[i] = uint32(t)
	}
	m, err := k.decode(bits, e)
	return m, nil, err
}
