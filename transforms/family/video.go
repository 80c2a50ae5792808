package family

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	Register(request.Video, func(dev *gpu.Device, s Spec) (Model, error) {
		m, err := models.OpenVideos(dev, s.Dir, models.Options{Slots: s.Slots})
		if err != nil {
			return nil, err
		}
		return videos{m}, nil
	})
}

// videos continues clips.
type videos struct{ *models.Videos }

// Decode reads the frames that are given (r.Prefix; 0 means all), cropped to the
// model's square and resampled to its rate. A clip with fewer frames gives those
// it has.
func (v videos) Decode(ctx context.Context, r request.Request) (Media, error) {
	if r.Input == "" {
		return Media{}, fmt.Errorf("family.Decode: %w: a video model continues a clip", ErrNoInput)
	}
	if _, err := readHead(r.Input); err != nil {
		return Media{}, err
	}
	c := v.Config()
	frames, _, err := video.ReadClip(ctx, r.Input, video.Options{
		Rate: c.Rate, W: c.Size, H: c.Size, Fit: video.Crop, MaxFrames: r.Prefix,
	})
	if err != nil {
		return Media{}, err
	}
	return Media{Clip: frames}, nil
}

func (v videos) Tokenize(_ context.Context, r request.Request, m Media) (shard.Sample, Measures, error) {
	s, err := v.Videos.Tokenize(r.ID, m.Clip)
	return s, Measures{"frames": float64(m.Clip.T)}, err
}

func (v videos) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	prefix, err := v.wholeCells(m.Clip)
	if err != nil {
		return nil, err
	}
	out, err := v.Videos.Generate(ctx, models.VideoRequest{
		ID: r.ID, Seed: r.Seed, Sampling: sampling(r), Prefix: prefix, Frames: r.Frames,
	})
	if err != nil {
		return nil, err
	}
	return &Result{
		Media: Media{Clip: out.Clip}, Sample: out.Sample, Given: min(prefix.T, out.Clip.T),
		Tokens: out.Tokens, Elapsed: out.Elapsed, Waited: out.Waited,
		Measures: prefixPSNR(prefix, out.Clip),
	}, nil
}

// wholeCells drops the last frames of a clip that was too short for its prefix,
// so that what is given fills whole cells in time.
func (v videos) wholeCells(c *clip.Clip) (*clip.Clip, error) {
	per := v.Config().FramesPerCell
	if c.T < per || c.T%per == 0 {
		return c, nil
	}
	return c.Slice(0, c.T-c.T%per)
}

// prefixPSNR measures how well the tokens keep what was given.
func prefixPSNR(prefix, out *clip.Clip) Measures {
	shown, err := out.Slice(0, min(prefix.T, out.T))
	if err != nil {
		return nil
	}
	given, err := prefix.Slice(0, shown.T)
	if err != nil {
		return nil
	}
	db, err := clip.PSNR(given, shown)
	if err != nil || db > 1e3 { // equal clips have infinite PSNR, which is no JSON
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
