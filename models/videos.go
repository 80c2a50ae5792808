package models

import (
	"context"
	"fmt"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/cube"
	"github.com/morton-gen/morton/models/engine"
)

// Videos continues clips. Safe for concurrent use.
type Videos struct {
	*generator
	mu    sync.Mutex // guards coder
	coder *cube.Coder
}

// OpenVideos opens a video model with its tokenizer; dir "" is the shipped one.
func OpenVideos(dev *gpu.Device, dir string, o Options) (*Videos, error) {
	g, err := openGenerator(dev, dir, shard.KindCube, o)
	if err != nil {
		return nil, err
	}
	w, err := openWeights(dir, shard.KindCube, tokenizerWeights)
	if err != nil {
		g.Close()
		return nil, err
	}
	defer w.Close()
	k, err := cube.NewCoder(dev, *g.cfg.Cube, w)
	if err != nil {
		g.Close()
		return nil, err
	}
	return &Videos{generator: g, coder: k}, nil
}

// Close frees the model and its tokenizer.
func (v *Videos) Close() {
	v.generator.Close()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.coder != nil {
		v.coder.Free()
		v.coder = nil
	}
}

// VideoConfig is what a clip has to be like.
type VideoConfig struct {
	Size          int       // rows and columns of a frame
	FramesPerCell int       // of one token
	FramesPerCube int       // prefixes and results come in multiples
	Rate          clip.Rate // the model was trained on
}

// Config describes the clips of the model.
func (v *Videos) Config() VideoConfig {
	c := v.cfg.Cube
	return VideoConfig{Size: c.Size, FramesPerCell: c.Cell[0], FramesPerCube: c.FramesPerCube(), Rate: clip.Rate{Num: c.Rate[0], Den: c.Rate[1]}}
}

// VideoRequest asks for the continuation of a clip.
type VideoRequest struct {
	ID       string
	Seed     uint64
	Sampling *Sampling  // nil: the model's defaults
	Prefix   *clip.Clip // of the model's size
	Frames   int        // new frames
}

// VideoResult is one clip.
type VideoResult struct {
	Clip   *clip.Clip // the prefix as the tokenizer sees it, then the new frames
	Prefix int        // frames of Clip that were given
	Sample shard.Sample
	Stats  Stats
}

// Tokenize codes a clip of the model's size.
func (v *Videos) Tokenize(id string, c *clip.Clip) (shard.Sample, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.coder == nil {
		return shard.Sample{}, fmt.Errorf("models.Videos: %w", engine.ErrClosed)
	}
	return v.coder.Tokenize(id, c)
}

// Detokenize turns a sample into frames, at the rate in its Meta if there is one.
func (v *Videos) Detokenize(s shard.Sample) (*clip.Clip, error) {
	rate, frames := v.Config().Rate, 0
	if n, err := fmt.Sscanf(s.Meta["rate"], "%d/%d", &rate.Num, &rate.Den); n != 2 || err != nil || rate.Num < 1 || rate.Den < 1 {
		rate = v.Config().Rate
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.coder == nil {
		return nil, fmt.Errorf("models.Videos: %w", engine.ErrClosed)
	}
	c, err := v.coder.Detokenize(s, rate)
	if err != nil {
		return nil, err
	}
	if n, err := fmt.Sscan(s.Meta["frames"], &frames); n == 1 && err == nil && frames > 0 && frames < c.T {
		return c.Slice(0, frames)
	}
	return c, nil
}

// Generate continues a clip. Of a prefix whose length is no multiple of a cube's
// frames the first frames are left out, so that its end is kept; a prefix shorter
// than one cube is extended at its start by its first frame. Errors:
// cube.ErrSample for a prefix of the wrong size, engine.ErrTooLong,
// gpu.ErrDeviceLost.
func (v *Videos) Generate(ctx context.Context, r VideoRequest) (*VideoResult, error) {
	if r.Frames < 1 || r.Prefix == nil || r.Prefix.T < 1 {
		return nil, fmt.Errorf("models.Videos: %w: %d frames after a prefix of %v", engine.ErrRequest, r.Frames, r.Prefix)
	}
	c := v.cfg.Cube
	prefix := alignPrefix(r.Prefix, c.FramesPerCube())
	given, err := v.Tokenize(r.ID, prefix)
	if err != nil {
		return nil, err
	}
	seq, err := c.Sequence(given)
	if err != nil {
		return nil, err
	}
	cubes := (prefix.T + r.Frames + c.FramesPerCube() - 1) / c.FramesPerCube()
	req := v.request(r.ID, r.Seed, r.Sampling)
	req.Plan, req.Tokens = c.Plan(cubes*c.Group[0]), seq.Tokens
	res, err := v.engine.Generate(ctx, req)
	if err != nil {
		return nil, err
	}
	out := &VideoResult{Prefix: prefix.T, Stats: stats(res)}
	if out.Sample, err = c.Sample(r.ID, res.Tokens); err != nil {
		return nil, err
	}
	out.Sample.Meta = map[string]string{
		"frames": fmt.Sprint(prefix.T + r.Frames), "rate": fmt.Sprintf("%d/%d", r.Prefix.Rate.Num, r.Prefix.Rate.Den), "prefix": fmt.Sprint(prefix.T),
	}
	out.Clip, err = v.Detokenize(out.Sample)
	return out, err
}

// alignPrefix cuts or extends a clip at its start to a multiple of n frames.
func alignPrefix(c *clip.Clip, n int) *clip.Clip {
	t := max(c.T/n*n, n)
	out := clip.New(t, c.H, c.W, c.Rate)
	for i := range t {
		copy(out.Frame(i), c.Frame(max(c.T-t+i, 0)))
	}
	return out
}
