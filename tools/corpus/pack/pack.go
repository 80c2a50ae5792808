// Package pack keeps the sources of the video corpus in one small file: a zip of JPEG
// pictures, with a list of who made what. Who reads it needs no video decoder.
package pack

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/clip"
)

// Source is a video, a picture or a texture to make clips from.
type Source struct {
	Name    string  `json:"name"`
	Licence string  `json:"licence"`
	Credit  string  `json:"credit"`
	HeldOut bool    `json:"held_out"`
	Weight  float64 `json:"weight"` // share of the clips of its side, before dividing by the sum
	Frames  int     `json:"frames"`

	Clip *clip.Clip `json:"-"`
}

// ErrPack reports a file that is not a pack.
var ErrPack = errors.New("not a pack of sources")

const (
	listName  = "sources.json"
	quality   = 82
	maxSide   = 4096
	maxFrames = 100000
	maxFile   = 16 << 20
	maxBytes  = 1 << 29 // of a source's frames in memory
)

func frameName(source, frame int) string { return fmt.Sprintf("%03d/%05d.jpg", source, frame) }

// Write writes a pack. Equal sources give equal bytes.
func Write(path string, list []Source) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range list {
		list[i].Frames = list[i].Clip.T
		for t := range list[i].Clip.T {
			w, err := z.CreateHeader(&zip.FileHeader{Name: frameName(i, t), Method: zip.Store})
			if err == nil {
				err = jpeg.Encode(w, picture(list[i].Clip, t), &jpeg.Options{Quality: quality})
			}
			if err != nil {
				return err
			}
		}
	}
	w, err := z.Create(listName)
	if err == nil {
		err = json.NewEncoder(w).Encode(list)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func picture(c *clip.Clip, t int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, c.W, c.H))
	for i, p := 0, c.Frame(t); i < c.W*c.H; i++ {
		img.SetRGBA(i%c.W, i/c.W, color.RGBA{p[3*i], p[3*i+1], p[3*i+2], 255})
	}
	return img
}

// Read reads a pack. The error wraps [ErrPack].
func Read(path string) ([]Source, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrPack, path, err)
	}
	defer z.Close()
	list, err := read(&z.Reader)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrPack, path, err)
	}
	return list, nil
}

func read(z *zip.Reader) ([]Source, error) {
	text, err := file(z, listName)
	if err != nil {
		return nil, err
	}
	var list []Source
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i := range list {
		if n := list[i].Frames; n < 1 || n > maxFrames || n > len(z.File) {
			return nil, errors.Join(fmt.Errorf("%s has %d frames", list[i].Name, n), g.Wait())
		}
		if err := list[i].frame(z, frameName(i, 0), 0); err != nil {
			return nil, errors.Join(err, g.Wait())
		}
		for t := 1; t < list[i].Frames; t++ {
			g.Go(func() error { return list[i].frame(z, frameName(i, t), t) })
		}
	}
	return list, g.Wait()
}

func file(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is over %d bytes", name, maxFile)
	}
	return data, err
}

// frame decodes frame t.
func (s *Source) frame(z *zip.Reader, name string, t int) error {
	data, err := file(z, name)
	if err != nil {
		return err
	}
	d, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if d.Width > maxSide || d.Height > maxSide || d.Width*d.Height*3*s.Frames > maxBytes || t > 0 && (d.Width != s.Clip.W || d.Height != s.Clip.H) {
		return fmt.Errorf("%s is %d by %d", name, d.Width, d.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if t == 0 {
		s.Clip = clip.New(s.Frames, d.Height, d.Width, clip.Rate{Num: 25, Den: 1})
	}
	yuv, ok := img.(*image.YCbCr)
	if !ok {
		return fmt.Errorf("%s is no colour picture", name)
	}
	p, from := s.Clip.Frame(t), img.Bounds().Min
	for i := range d.Width * d.Height {
		x, y := from.X+i%d.Width, from.Y+i/d.Width
		at, c := yuv.YOffset(x, y), yuv.COffset(x, y)
		p[3*i], p[3*i+1], p[3*i+2] = color.YCbCrToRGB(yuv.Y[at], yuv.Cb[c], yuv.Cr[c])
	}
	return nil
}
