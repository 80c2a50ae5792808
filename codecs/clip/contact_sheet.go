package clip

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/internal/atomicfile"
)

// gutter is the border between frames of a contact sheet, in pixels.
const gutter = 2

// gutterGrey stands out from both black and white frames.
var gutterGrey = color.RGBA{R: 96, G: 96, B: 96, A: 255}

// maxSheetPixels keeps sheets small enough for image viewers.
const maxSheetPixels = 1 << 28

// frameImage returns a copy of frame t as an image.
func (c *Clip) frameImage(t int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, c.W, c.H))
	src := c.Frame(t)
	for i := range c.H * c.W {
		copy(img.Pix[4*i:4*i+3], src[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	return img
}

// ContactSheet draws frames in a grid, columns frames wide, with a grey border of
// 2 pixels. Each clip starts a new row and may take several, so columns = T puts
// each clip on one row. Frames of different sizes are placed at the top left of
// cells of the largest size.
//
// It returns an error wrapping [ErrShape] if columns < 1, a clip is malformed, no
// clip has a pixel, or the sheet would exceed 2^28 pixels.
func ContactSheet(columns int, clips ...*Clip) (image.Image, error) {
	s, err := planSheet(columns, clips)
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, s.width(), s.height()))
	draw.Draw(img, img.Bounds(), image.NewUniform(gutterGrey), image.Point{}, draw.Src)
	row := 0
	for _, c := range clips {
		for t := range c.T {
			at := s.cell(row+t/columns, t%columns)
			draw.Draw(img, image.Rectangle{Min: at, Max: at.Add(image.Pt(c.W, c.H))}, c.frameImage(t), image.Point{}, draw.Src)
		}
		row += rowsOf(c, columns)
	}
	return img, nil
}

// sheet is the geometry of a contact sheet: rows x columns cells of w x h pixels.
type sheet struct{ rows, columns, w, h int }

func planSheet(columns int, clips []*Clip) (sheet, error) {
	s := sheet{}
	if columns < 1 {
		return s, fmt.Errorf("clip.ContactSheet: %w: %d columns", ErrShape, columns)
	}
	for _, c := range clips {
		if err := c.Validate(); err != nil {
			return s, err
		}
		s.rows += rowsOf(c, columns)
		s.columns = max(s.columns, min(columns, c.T))
		s.w, s.h = max(s.w, c.W), max(s.h, c.H)
	}
	if s.rows == 0 || s.w == 0 || s.h == 0 {
		return s, fmt.Errorf("clip.ContactSheet: %w: no pixels", ErrShape)
	}
	n, err := Bytes(s.rows*s.columns, s.h+gutter, s.w+gutter)
	if err != nil || n/3 > maxSheetPixels {
		return s, fmt.Errorf("clip.ContactSheet: %w: %d x %d cells of %d x %d, at most %d pixels", ErrShape, s.rows, s.columns, s.h, s.w, maxSheetPixels)
	}
	return s, nil
}

func rowsOf(c *Clip, columns int) int { return (c.T + columns - 1) / columns }

func (s sheet) width() int  { return s.columns*(s.w+gutter) + gutter }
func (s sheet) height() int { return s.rows*(s.h+gutter) + gutter }

func (s sheet) cell(row, column int) image.Point {
	return image.Pt(gutter+column*(s.w+gutter), gutter+row*(s.h+gutter))
}

// WritePNG writes the contact sheet of the clips to path: to a temporary name,
// which is then renamed. Errors are [ContactSheet]'s and the file system's.
func WritePNG(path string, columns int, clips ...*Clip) error {
	img, err := ContactSheet(columns, clips...)
	if err != nil {
		return err
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		return fmt.Errorf("clip.WritePNG: %w", err)
	}
	if err := picture.WritePNG(f, img); err != nil {
		_ = f.Abort()
		return fmt.Errorf("clip.WritePNG: %w", err)
	}
	return f.Commit()
}
