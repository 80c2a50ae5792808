package models

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/cube"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
)

// ErrPrefix reports a clip to continue that has less than one cube of frames.
var ErrPrefix = errkind.New("short_prefix", "the prefix is too short")

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
	var s shard.Sample
	return s, v.withCoder(func(k *cube.Coder) (err error) {
		s, err = k.Tokenize(id, c)
		return err
	})
}

// TokenizeFrames codes frames of the model's size as they come, [h, w, 3] bytes each,
// which it does not keep: its memory grows with the tokens alone. It gives what Tokenize
// gives of the same frames, bit for bit. The error is cube.Stream's, or the first that
// frames gives.
func (v *Videos) TokenizeFrames(id string, rate clip.Rate, frames iter.Seq2[[]uint8, error]) (sample shard.Sample, err error) {
	var s *cube.Stream
	err = v.withCoder(func(k *cube.Coder) error {
		s = k.Stream(rate)
		return nil
	})
	if err != nil {
		return sample, err
	}
	for frame, err := range frames {
		if err != nil {
			return sample, err
		}
		if err := v.withCoder(func(*cube.Coder) error { return s.Add(frame) }); err != nil {
			return sample, err
		}
	}
	err = v.withCoder(func(*cube.Coder) (err error) {
		sample, err = s.Sample(id)
		return err
	})
	return sample, err
}

// withCoder calls f while nobody else uses the tokenizer, or returns an error wrapping
// engine.ErrClosed.
func (v *Videos) withCoder(f func(*cube.Coder) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.coder == nil {
		return fmt.Errorf("models.Videos: %w", engine.ErrClosed)
	}
	return f(v.coder)
}

// Detokenize turns a sample into frames, as many and at the rate that its Meta says, if
// it says so.
func (v *Videos) Detokenize(s shard.Sample) (*clip.Clip, error) {
	rate, frames := v.Config().Rate, 0
	if n, err := fmt.Sscanf(s.Meta["rate"], "%d/%d", &rate.Num, &rate.Den); n != 2 || err != nil || rate.Num < 1 || rate.Den < 1 {
		rate = v.Config().Rate
	}
	if n, err := fmt.Sscan(s.Meta["frames"], &frames); n != 1 || err != nil {
		frames = 0
	}
	return v.detokenize(s, rate, frames)
}

// detokenize gives so many frames; all that the tokens have if frames is none of them.
func (v *Videos) detokenize(s shard.Sample, rate clip.Rate, frames int) (c *clip.Clip, err error) {
	err = v.withCoder(func(k *cube.Coder) error {
		c, err = k.Detokenize(s, rate)
		return err
	})
	if err == nil && frames > 0 && frames < c.T {
		return c.Slice(0, frames)
	}
	return c, err
}

// Generate continues a clip. Of a prefix whose length is no multiple of a cube's
// frames the first frames are left out, so that its end is kept. Errors: [ErrPrefix] for
// a prefix of less than one cube, cube.ErrSample for one of the wrong size,
// engine.ErrTooLong, gpu.ErrDeviceLost.
func (v *Videos) Generate(ctx context.Context, r VideoRequest) (*VideoResult, error) {
	c := v.cfg.Cube
	prefix, err := r.prefix(c.FramesPerCube())
	if err != nil {
		return nil, err
	}
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
	req.Tokens = seq.Tokens
	req.Schedule = func() (system.Schedule, error) {
		return v.cfg.Network.Schedule(c.Plan(cubes*c.Group[0]), seq.N, nil), nil
	}
	res, err := v.engine.Generate(ctx, req)
	if err != nil {
		return nil, err
	}
	out := &VideoResult{Prefix: prefix.T, Stats: stats(res)}
	if out.Sample, err = c.Sample(r.ID, res.Tokens); err != nil {
		return nil, err
	}
	rate, frames := prefix.Rate, prefix.T+r.Frames
	out.Sample.Meta = map[string]string{
		"frames": fmt.Sprint(frames), "rate": fmt.Sprintf("%d/%d", rate.Num, rate.Den), "prefix": fmt.Sprint(prefix.T),
	}
	out.Clip, err = v.detokenize(out.Sample, rate, frames)
	return out, err
}

// prefix returns the last whole cubes of the request's clip, of n frames each. The error
// wraps [ErrPrefix] or engine.ErrRequest.
func (r *VideoRequest) prefix(n int) (*clip.Clip, error) {
	length := 0
	if r.Prefix != nil {
		length = r.Prefix.T
	}
	switch {
	case r.Frames < 1:
		return nil, fmt.Errorf("models.Videos: %w: %d frames after a prefix of %d", engine.ErrRequest, r.Frames, length)
	case length < n:
		return nil, fmt.Errorf("models.Videos: %w: %d frames, and a prefix is whole cubes of %d", ErrPrefix, length, n)
	}
	return r.Prefix.Slice(length-length/n*n, length)
}
