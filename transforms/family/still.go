package family

import (
	"bytes"
	"fmt"
	"image"

	"golang.org/x/image/draw"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// isStill reports whether a file begins as a PNG or JPEG picture does. A file that cannot
// be read is none; who reads it next tells why.
func isStill(path string) bool {
	head, _ := meshfile.Head(path) // not os.Open, which waits for the writer of a pipe
	return bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")) || bytes.HasPrefix(head, []byte("\xff\xd8\xff"))
}

// readStill reads a picture as a clip that stands still: o.MaxFrames equal frames of o.W
// by o.H pixels at o.Rate. The errors are those of [readPicture], and [video.ErrEmpty] for
// frames from a later time on.
func readStill(path string, o video.Options) (Media, error) {
	if o.Start > 0 {
		return Media{}, fmt.Errorf("family.Decode: %w: a still picture has none from %v on", video.ErrEmpty, o.Start)
	}
	m, err := readPicture(path, 1, o.Limits)
	if err != nil {
		return Media{}, err
	}
	from, err := m.Picture.Image()
	if err != nil {
		return Media{}, err
	}
	c := clip.New(max(o.MaxFrames, 1), o.H, o.W, o.Rate)
	first := c.Frame(0)
	for i, p := range fitted(from, o).Pix {
		if i%4 < 3 {
			first[i/4*3+i%4] = p
		}
	}
	for t := 1; t < c.T; t++ {
		copy(c.Frame(t), first)
	}
	return Media{Clip: c, notes: []string{fmt.Sprintf("starts from a still picture, as %d equal frames", c.T)}}, nil
}

// fitted scales a picture into o.W by o.H pixels: its centre, or all of it on black.
func fitted(from image.Image, o video.Options) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, o.W, o.H))
	draw.Draw(out, out.Bounds(), image.Black, image.Point{}, draw.Src)
	source, target := from.Bounds(), out.Bounds()
	// A picture is wider than the frame if w·o.H > h·o.W.
	w, h := source.Dx(), source.Dy()
	wider := w*o.H > h*o.W
	switch {
	case o.Fit == video.Crop && wider:
		source = centred(source, max(1, h*o.W/o.H), h)
	case o.Fit == video.Crop:
		source = centred(source, w, max(1, w*o.H/o.W))
	case wider:
		target = centred(target, o.W, max(1, h*o.W/w))
	default:
		target = centred(target, max(1, w*o.H/h), o.H)
	}
	draw.CatmullRom.Scale(out, target, from, source, draw.Over, nil)
	return out
}

// centred is the rectangle of w by h at the centre of r.
func centred(r image.Rectangle, w, h int) image.Rectangle {
	at := r.Min.Add(image.Pt((r.Dx()-w)/2, (r.Dy()-h)/2))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}
}
