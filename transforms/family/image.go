package family

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	registerKind(request.Image, reader{decode: decodeImage})
}

// decodeImage reads the features of a request's text and control, or a picture to tokenize.
func decodeImage(_ context.Context, g *generator, r request.Request) (m Media, err error) {
	if r.Input != "" {
		return readPicture(r.Input, g.format().Side, g.media)
	}
	s := g.model.System()
	if r.Text != "" {
		m.Text, err = readText(r.Text, s.TextWidth())
	}
	switch {
	case r.Control == "" || err != nil:
	case s.Control == 0:
		m.Control = []float32{} // the model rejects it
	default:
		m.Control, err = readText(r.Control, s.Control)
	}
	return m, err
}

// maxPictureBytes bounds a picture's file, maxReadPixels its pixels before cropping, unless
// the limits of media do.
const (
	maxPictureBytes = 1 << 28
	maxReadPixels   = 1 << 26
)

// readPicture reads a picture and crops it to whole tokens of side pixels. Errors wrap
// [ErrNotFile], [ErrEmptyFile], [picture.ErrFormat] or [picture.ErrLimit].
func readPicture(path string, side int, l video.Limits) (Media, error) {
	if _, err := meshfile.Head(path); err != nil {
		return Media{}, err
	}
	bytes, pixels := cmp.Or(l.MaxBytes, maxPictureBytes), cmp.Or(l.MaxPixels, maxReadPixels)
	if info, err := os.Stat(path); err == nil && info.Size() > bytes {
		return Media{}, fmt.Errorf("family.Decode: %w: %s has %d bytes, at most %d (--media-limit bytes=N sets it)", picture.ErrLimit, path, info.Size(), bytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Media{}, err
	}
	p, err := picture.Decode(data, int(pixels))
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

// cropCentre returns the central h by w pixels of a picture.
func cropCentre(p *picture.Picture, h, w int) *picture.Picture {
	out := &picture.Picture{H: h, W: w, Pix: make([]uint8, 0, 3*h*w)}
	top, left := (p.H-h)/2, (p.W-w)/2
	for y := top; y < top+h; y++ {
		from := 3 * (y*p.W + left)
		out.Pix = append(out.Pix, p.Pix[from:from+3*w]...)
	}
	return out
}
