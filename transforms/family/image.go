package family

import (
	"context"
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	Register(request.Image, func(device func() (*gpu.Device, error), s Spec) (Model, error) {
		if s.Dir == "" {
			return nil, fmt.Errorf("family.Open: %w: no image model is shipped", models.ErrFolder)
		}
		dev, err := device()
		if err != nil {
			return nil, err
		}
		m, err := models.OpenPictures(dev, s.Dir, s.options())
		if err != nil {
			return nil, err
		}
		return images{m}, nil
	})
}

// images draws pictures of a class or a text with a published system.
type images struct{ *models.Pictures }

// Decode reads the features of a request's text, or a picture to tokenize.
func (f images) Decode(_ context.Context, r request.Request) (m Media, err error) {
	switch {
	case r.Text != "":
		m.Text, err = readText(r.Text, f.System().Layout.Features)
	case r.Input != "":
		m, err = readPicture(r.Input, f.TokenSide())
	}
	return m, err
}

// maxPictureBytes bounds a picture's file, maxReadPixels its pixels before it is cropped.
const (
	maxPictureBytes = 1 << 28
	maxReadPixels   = 1 << 26
)

// readPicture reads a picture and crops it to whole tokens of so many pixels a side.
// Errors wrap [ErrNotFile], [ErrEmptyFile], [picture.ErrFormat] or [picture.ErrLimit].
func readPicture(path string, side int) (Media, error) {
	if _, err := meshfile.Head(path); err != nil {
		return Media{}, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxPictureBytes {
		return Media{}, fmt.Errorf("family.Decode: %w: %s has %d bytes, maximum %d", picture.ErrLimit, path, info.Size(), maxPictureBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Media{}, err
	}
	p, err := picture.Decode(data, maxReadPixels)
	if err != nil {
		return Media{}, err
	}
	m := Media{Picture: p}
	if h, w := p.H/side*side, p.W/side*side; h > 0 && w > 0 && (h < p.H || w < p.W) {
		m.Picture = cropCentre(p, h, w)
		m.notes = []string{fmt.Sprintf("cropped at the centre to %d by %d pixels of %d by %d: tokens are %d by %d", w, h, p.W, p.H, side, side)}
	}
	return m, nil
}

// cropCentre returns the h by w pixels at a picture's centre.
func cropCentre(p *picture.Picture, h, w int) *picture.Picture {
	out := &picture.Picture{H: h, W: w, Pix: make([]uint8, 0, 3*h*w)}
	top, left := (p.H-h)/2, (p.W-w)/2
	for y := top; y < top+h; y++ {
		from := 3 * (y*p.W + left)
		out.Pix = append(out.Pix, p.Pix[from:from+3*w]...)
	}
	return out
}

func (f images) Tokenize(_ context.Context, r request.Request, m Media) (shard.Sample, Measures, error) {
	s, err := f.Pictures.Tokenize(r.ID, m.Picture)
	return s, nil, err
}

func (f images) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	ask := models.PictureRequest{
		ID: r.ID, Seed: r.Seed, Sampling: sampling(r), Text: m.Text, Guidance: r.Guidance, Interval: r.GuidanceTokens,
	}
	if r.Class != nil {
		ask.Class = *r.Class
	}
	out, err := f.Pictures.Generate(ctx, ask)
	if err != nil {
		return nil, err
	}
	return &Result{
		Media: Media{Picture: out.Picture}, Sample: out.Sample, Tokens: out.Stats.Tokens,
		Elapsed: out.Stats.Elapsed, Waited: out.Stats.Waited,
	}, nil
}

func (f images) Detokenize(_ context.Context, s shard.Sample) (*Result, error) {
	p, err := f.Pictures.Detokenize(s)
	if err != nil {
		return nil, err
	}
	return &Result{Media: Media{Picture: p}, Sample: s}, nil
}
