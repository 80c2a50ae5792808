// Package picture reads and writes still pictures: PNG and JPEG in, PNG out.
//
//	p, err := picture.Decode(data, 1<<22)
//	if err != nil {
//		return err // errors.Is(err, picture.ErrLimit), …
//	}
//	err = picture.EncodePNG(w, p)
//
// It is not for video (see codecs/video) or drawing (see mesh/draw). It keeps
// colours as stored: no colour profile, gamma or EXIF orientation is applied.
//
// Letters: h rows, w columns, 3 colours (red, green, blue).
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"sync"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrFormat reports bytes that are not a PNG or JPEG, or a damaged file.
	ErrFormat = errkind.New("not_a_picture", "not a PNG or JPEG picture")
	// ErrLimit reports a picture with more pixels than allowed.
	ErrLimit = errkind.New("limit", "the picture is too large")
	// ErrShape reports a picture whose sides do not match its pixels.
	ErrShape = errors.New("the sides do not fit the pixels")
)

// Picture is [h, w, 3] bytes, row-major.
type Picture struct {
	H, W int
	Pix  []uint8
}

// Decode reads a PNG or JPEG picture of at most maxPixels pixels, which it checks before
// allocating. Grey becomes three equal channels, 16 bits lose the lower 8, and alpha is
// dropped without blending, as in Pillow's convert("RGB"). The error wraps [ErrFormat]
// or [ErrLimit].
func Decode(data []byte, maxPixels int) (*Picture, error) {
	read, size := png.Decode, png.DecodeConfig
	if bytes.HasPrefix(data, []byte("\xff\xd8")) {
		read, size = jpeg.Decode, jpeg.DecodeConfig
	}
	c, err := size(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("picture.Decode: %w: %w", ErrFormat, err)
	}
	if c.Width < 1 || c.Height < 1 {
		return nil, fmt.Errorf("picture.Decode: %w: %d by %d pixels", ErrFormat, c.Width, c.Height)
	}
	if c.Width > maxPixels/c.Height {
		return nil, fmt.Errorf("picture.Decode: %w: %d by %d pixels, at most %d (--media-limit pixels=N sets it)", ErrLimit, c.Width, c.Height, maxPixels)
	}
	m, err := read(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("picture.Decode: %w: %w", ErrFormat, err)
	}
	return fromImage(m), nil
}

func fromImage(m image.Image) *Picture {
	b := m.Bounds()
	p := &Picture{H: b.Dy(), W: b.Dx(), Pix: make([]uint8, 0, 3*b.Dx()*b.Dy())}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			p.Pix = append(p.Pix, c.R, c.G, c.B)
		}
	}
	return p
}

// Image returns p as an [image.Image].
func (p *Picture) Image() (image.Image, error) {
	if p.H < 1 || p.W < 1 || len(p.Pix)%3 != 0 || p.W > len(p.Pix)/3/p.H || p.H*p.W != len(p.Pix)/3 {
		return nil, fmt.Errorf("picture.Image: %w: %d by %d with %d bytes", ErrShape, p.H, p.W, len(p.Pix))
	}
	m := image.NewNRGBA(image.Rect(0, 0, p.W, p.H))
	for i := range p.H * p.W {
		copy(m.Pix[4*i:], p.Pix[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	return m, nil
}

// EncodePNG writes p as PNG, 8 bits a channel. Equal pictures give equal bytes. The
// error wraps [ErrShape] or is the writer's.
func EncodePNG(w io.Writer, p *Picture) error {
	m, err := p.Image()
	if err != nil {
		return err
	}
	if err := WritePNG(w, m); err != nil {
		return fmt.Errorf("picture.EncodePNG: %w", err)
	}
	return nil
}

// WritePNG writes any image as PNG. It is [png.Encode], whose buffers serve the next image
// too: a compressor has 0.8 MB of them, most of what a small result allocates.
func WritePNG(w io.Writer, m image.Image) error { return encoder.Encode(w, m) }

var encoder = png.Encoder{BufferPool: &buffers{}}

type buffers struct{ sync.Pool }

// Get implements [png.EncoderBufferPool]: nil is a new one.
func (b *buffers) Get() *png.EncoderBuffer {
	e, _ := b.Pool.Get().(*png.EncoderBuffer)
	return e
}

// Put implements [png.EncoderBufferPool].
func (b *buffers) Put(e *png.EncoderBuffer) { b.Pool.Put(e) }
