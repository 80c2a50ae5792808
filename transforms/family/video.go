package family

import (
	"context"
	"fmt"
	"time"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	registerKind(request.Video, reader{decode: decodeVideo, open: openVideo})
}

// decodeVideo reads the frames that are given (r.Prefix; 0 means all) from r.Start on,
// brought into the model's size and resampled to its rate, and the features of a text. A
// clip with fewer frames gives those it has. A PNG or JPEG picture is a clip that stands
// still.
func decodeVideo(ctx context.Context, g *generator, r request.Request) (m Media, err error) {
	if r.Input != "" || !r.FromNothing() {
		o, err := reading(g, r)
		switch {
		case err != nil:
		case isStill(r.Input):
			m, err = readStill(r.Input, o)
		default:
			m, err = ReadVideo(ctx, g.decoder, r.Input, o)
		}
		if err != nil {
			return Media{}, err
		}
	}
	if r.Text != "" {
		m.Text, err = readText(r.Text, g.model.System().TextWidth())
	}
	return m, err
}

// openVideo gives the same frames as decodeVideo, read while they are used.
func openVideo(g *generator, r request.Request) (Media, error) {
	o, err := reading(g, r)
	if err != nil {
		return Media{}, err
	}
	if _, err := meshfile.Head(r.Input); err != nil {
		return Media{}, err
	}
	return Media{Film: &Film{Path: r.Input, Options: o, Decoder: g.decoder}}, nil
}

// reading returns the options for reading a request's input.
func reading(g *generator, r request.Request) (video.Options, error) {
	c := g.format()
	if r.Input == "" {
		return video.Options{}, fmt.Errorf("family.Decode: %w: a video model continues a clip", ErrNoInput)
	}
	o := video.Options{Rate: c.Rate, W: c.W, H: c.H, Fit: video.Crop, MaxFrames: r.Prefix, Start: time.Duration(r.Start), Limits: g.media}
	if r.Fit == request.Letterbox {
		o.Fit = video.Letterbox
	}
	return o, nil
}

// ReadVideo reads a clip. The error wraps [ErrNotFile] or [ErrEmptyFile], or is
// one of codecs/video.
func ReadVideo(ctx context.Context, d isolated.Decoder, path string, o video.Options) (Media, error) {
	if _, err := meshfile.Head(path); err != nil {
		return Media{}, err
	}
	c, info, err := d.ReadClip(ctx, path, o)
	if err != nil {
		return Media{}, err
	}
	return Media{Clip: c, condition: conditionOf(info)}, nil
}
