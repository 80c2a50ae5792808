package models

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/vq"
)

// Pictures draws pictures with a published system. Safe for concurrent use.
type Pictures struct {
	sys    *system.System
	name   string
	engine *engine.Engine
	codec  *vq.Codec
}

// OpenPictures opens a checkpoint and its tokenizer, see [OpenPublished]. Errors: its own,
// [ErrFolder] for one without a tokenizer or of another kind of media, gpu.ErrOutOfMemory.
func OpenPictures(dev *gpu.Device, path string, o Options) (*Pictures, error) {
	p, err := OpenPublished(path)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if p.Kind != "image" {
		return nil, fmt.Errorf("models: %w: %s makes %ss, not images", ErrFamily, p.Title, p.Kind)
	}
	if p.Tokenizer == nil {
		return nil, fmt.Errorf("models: %w: %s has no tokenizer beside it, such as vq_ds16_c2i.pt", ErrFolder, path)
	}
	if p.VQ.CodebookSize != p.System.Token.Values {
		return nil, fmt.Errorf("models: %w: the tokenizer has %d codes, the generator %d", ErrFolder, p.VQ.CodebookSize, p.System.Token.Values)
	}
	id, err := p.identity()
	if err != nil {
		return nil, err
	}
	out := &Pictures{sys: p.System, name: p.Name + "-" + id}
	if o.Precision != "" { // it draws as another model would
		out.name += "-" + string(o.Precision)
	}
	side := p.VQ.Reduction()
	if out.codec, err = vq.Open(dev, p.VQ, p.Tokenizer, vq.Options{H: p.System.Grid[1] * side, W: p.System.Grid[2] * side}); err != nil {
		return nil, err
	}
	if out.engine, err = engine.New(dev, p.System, p.Checkpoint, engine.Options{Slots: pictureSlots(o), Precision: o.Precision}); err != nil {
		out.codec.Free()
		return nil, err
	}
	return out, nil
}

// pictureSlots is the slots of an engine that has room for a picture with guidance.
func pictureSlots(o Options) int {
	if o.Slots == 0 {
		return engine.DefaultSlots
	}
	return max(o.Slots, 2)
}

// Name returns the system's name and the start of its weights' hash.
func (p *Pictures) Name() string { return p.name }

// System returns what the model is made of.
func (p *Pictures) System() *system.System { return p.sys }

// TokenSide returns the side in pixels of what one token stands for.
func (p *Pictures) TokenSide() int { return p.codec.Config().Reduction() }

// Size returns the rows and columns of a picture.
func (p *Pictures) Size() (h, w int) {
	r := p.codec.Config().Reduction()
	return p.sys.Grid[1] * r, p.sys.Grid[2] * r
}

// Close frees the model; requests in flight fail with engine.ErrClosed.
func (p *Pictures) Close() {
	p.engine.Close()
	p.codec.Free()
}

// PictureRequest asks for one picture.
type PictureRequest struct {
	ID       string
	Seed     uint64
	Sampling *Sampling // nil: the system's defaults
	Class    int       // of a system with classes
	Text     []float32 // features of a text, [n, features], of a system for texts
	Guidance *float64  // scale of classifier-free guidance; nil: the system's default
	Interval int       // tokens after which guidance ends; 0: never
}

// PictureResult is one picture.
type PictureResult struct {
	Picture *picture.Picture
	Sample  shard.Sample
	Stats   Stats
}

// Generate draws one picture. Errors: [system.ErrPrompt], engine.ErrRequest,
// gpu.ErrDeviceLost.
func (p *Pictures) Generate(ctx context.Context, r PictureRequest) (*PictureResult, error) {
	s := p.sys.Default
	if r.Sampling != nil {
		s.Temperature, s.TopK, s.TopP = r.Sampling.Temperature, r.Sampling.TopK, r.Sampling.TopP
	}
	if r.Guidance != nil {
		s.Guidance = *r.Guidance
	}
	prompt := system.Prompt{Class: r.Class, Text: r.Text, Guidance: float32(s.Guidance), Interval: r.Interval}
	if r.Text == nil && p.sys.Layout.Features > 0 {
		return nil, fmt.Errorf("models.Pictures: %w: it wants the features of a text", system.ErrPrompt)
	}
	if s.TopP == 0 {
		s.TopP = 1
	}
	res, err := p.engine.Generate(ctx, engine.Request{
		ID: r.ID, Seed: r.Seed, Temperature: float32(s.Temperature), TopK: s.TopK, TopP: float32(s.TopP), MinP: float32(s.MinP),
		Guidance: prompt.Guidance, End: -1,
		Schedule: func() (system.Schedule, error) { return p.sys.Schedule(prompt) },
	})
	if err != nil {
		return nil, err
	}
	out := &PictureResult{Stats: stats(res), Sample: shard.Sample{ID: r.ID, Kind: shard.KindVQ, Grid: []int32{int32(p.sys.Grid[1]), int32(p.sys.Grid[2])}}}
	for _, t := range res.Tokens {
		out.Sample.Tokens = append(out.Sample.Tokens, int64(t))
	}
	out.Picture, err = p.decode(res.Tokens, p.sys.Grid[1], p.sys.Grid[2])
	return out, err
}

func (p *Pictures) decode(tokens []uint32, rows, cols int) (*picture.Picture, error) {
	pix, err := p.codec.Decode(tokens, rows, cols)
	if err != nil {
		return nil, err
	}
	r := p.codec.Config().Reduction()
	return &picture.Picture{H: rows * r, W: cols * r, Pix: pix}, nil
}

// Tokenize turns a picture of any size that is a multiple of a token's into a sample.
// Errors wrap those of package vq.
func (p *Pictures) Tokenize(id string, x *picture.Picture) (shard.Sample, error) {
	tokens, err := p.codec.Encode(x.Pix, x.H, x.W)
	if err != nil {
		return shard.Sample{}, err
	}
	r := p.codec.Config().Reduction()
	s := shard.Sample{ID: id, Kind: shard.KindVQ, Grid: []int32{int32(x.H / r), int32(x.W / r)}}
	for _, t := range tokens {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s, nil
}

// Detokenize turns a sample into a picture. The error wraps [shard.ErrSample] or is that of
// package vq.
func (p *Pictures) Detokenize(s shard.Sample) (*picture.Picture, error) {
	if s.Kind != shard.KindVQ || len(s.Grid) != 2 {
		return nil, fmt.Errorf("models.Pictures: %w: %q is %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid)
	}
	tokens := make([]uint32, len(s.Tokens))
	for i, t := range s.Tokens {
		if t < 0 || t >= int64(p.sys.Token.Values) {
			return nil, fmt.Errorf("models.Pictures: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, t, p.sys.Token.Values)
		}
		tokens[i] = uint32(t)
	}
	return p.decode(tokens, int(s.Grid[0]), int(s.Grid[1]))
}
