package family

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	Register(request.Video, func(device func() (*gpu.Device, error), s Spec) (Model, error) {
		dev, err := device()
		if err != nil {
			return nil, err
		}
		m, err := models.OpenVideos(dev, s.Dir, s.options())
		if err != nil {
			return nil, err
		}
		return videos{m}, nil
	})
}

// videos continues clips.
type videos struct{ *models.Videos }

// Decode reads the frames that are given (r.Prefix; 0 means all) from r.Start on, brought
// into the model's square and resampled to its rate. A clip with fewer frames gives those
// it has.
func (v videos) Decode(ctx context.Context, r request.Request) (Media, error) {
	o, err := v.reading(r)
	if err != nil {
		return Media{}, err
	}
	return ReadVideo(ctx, r.Input, o)
}

// Open gives the same frames as Decode, read when they are used.
func (v videos) Open(_ context.Context, r request.Request) (Media, error) {
	o, err := v.reading(r)
	if err != nil {
		return Media{}, err
	}
	if _, err := meshfile.Head(r.Input); err != nil {
		return Media{}, err
	}
	return Media{Film: &Film{Path: r.Input, Options: o}}, nil
}

// reading says how a request's input is read.
func (v videos) reading(r request.Request) (video.Options, error) {
	if r.Input == "" {
		return video.Options{}, fmt.Errorf("family.Decode: %w: a video model continues a clip", ErrNoInput)
	}
	c := v.Config()
	o := video.Options{Rate: c.Rate, W: c.Size, H: c.Size, Fit: video.Crop, MaxFrames: r.Prefix, Start: time.Duration(r.Start)}
	if r.Fit == request.Letterbox {
		o.Fit = video.Letterbox
	}
	return o, nil
}

// ReadVideo reads a clip. The error wraps [ErrNotFile], [ErrEmptyFile] or is
// that of codecs/video.
func ReadVideo(ctx context.Context, path string, o video.Options) (Media, error) {
	if _, err := meshfile.Head(path); err != nil {
		return Media{}, err
	}
	c, info, err := video.ReadClip(ctx, path, o)
	if err != nil {
		return Media{}, err
	}
	return Media{Clip: c, condition: conditionOf(info)}, nil
}

func (v videos) Tokenize(ctx context.Context, r request.Request, m Media) (shard.Sample, Measures, error) {
	if m.Film == nil {
		s, err := v.Videos.Tokenize(r.ID, m.Clip)
		return s, Measures{"frames": float64(m.Clip.T)}, err
	}
	s, err := v.TokenizeFrames(r.ID, m.Film.Options.Rate, m.Film.Frames(ctx))
	return s, Measures{"frames": float64(m.Film.Len())}, err
}

func (v videos) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	out, err := v.Videos.Generate(ctx, models.VideoRequest{
		ID: r.ID, Seed: r.Seed, Sampling: sampling(r), Prefix: m.Clip, Frames: r.Frames,
	})
	if err != nil {
		return nil, err
	}
	return &Result{
		Media: Media{Clip: out.Clip}, Sample: out.Sample, Given: out.Prefix,
		Tokens: out.Stats.Tokens, Elapsed: out.Stats.Elapsed, Waited: out.Stats.Waited,
		Measures: prefixPSNR(m.Clip, out.Clip, out.Prefix), Notes: v.prefixNotes(r.Prefix, m.Clip.T, out.Prefix),
	}, nil
}

// prefixNotes says why fewer frames than asked for are given, of those the input has.
func (v videos) prefixNotes(asked, has, given int) []string {
	cube := v.Config().FramesPerCube
	switch {
	case asked == 0 || given == asked:
		return nil
	case has < asked:
		return []string{fmt.Sprintf("prefix of %d frames, not %d: the input gives %d, and a prefix is whole cubes of %d", given, asked, has, cube)}
	}
	return []string{fmt.Sprintf("prefix of %d frames, not %d: whole cubes of %d", given, asked, cube)}
}

// prefixPSNR measures how well the tokens keep the last frames of what was
// given; the model may have left out the first.
func prefixPSNR(given, out *clip.Clip, prefix int) Measures {
	n := min(given.T, prefix, out.T)
	want, err := given.Slice(given.T-n, given.T)
	if err != nil {
		return nil
	}
	shown, err := out.Slice(prefix-n, prefix)
	if err != nil {
		return nil
	}
	db, err := clip.PSNR(want, shown)
	if err != nil || math.IsInf(db, 0) { // equal clips, which JSON has no number for
		return nil
	}
	return Measures{"prefix_psnr_db": db}
}

func (v videos) Detokenize(_ context.Context, s shard.Sample) (*Result, error) {
	c, err := v.Videos.Detokenize(s)
	if err != nil {
		return nil, err
	}
	return &Result{Media: Media{Clip: c}, Sample: s, Given: c.T}, nil
}

func sampling(r request.Request) *models.Sampling {
	if r.Sampling == nil {
		return nil
	}
	return &models.Sampling{Temperature: r.Sampling.Temperature, TopK: r.Sampling.TopK, TopP: r.Sampling.TopP}
}
