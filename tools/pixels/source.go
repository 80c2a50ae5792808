package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// frames calls visit for pictures of side pixels: for some frames of every clip in a file, or
// for every mesh in a folder, seen from some sides.
func frames(from string, every, side int, visit func(name string, p *picture.Picture) error) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return views(from, side, visit)
	}
	f, err := safetensors.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	x, err := f.Tensor("clips")
	if err != nil {
		return err
	}
	n, t, h := x.Shape[0], x.Shape[1], x.Shape[2]
	for i := range n {
		for j := 0; j < t; j += every {
			if err := visit(fmt.Sprintf("%05d-%02d", i, j), smaller(x.Data[(i*t+j)*h*h*3:][:h*h*3], h, side)); err != nil {
				return err
			}
		}
	}
	return nil
}

// smaller returns a picture of h by h pixels as one of side by side.
func smaller(pix []uint8, h, side int) *picture.Picture {
	p := &picture.Picture{H: side, W: side, Pix: make([]uint8, side*side*3)}
	for at := range p.Pix { // the mean over the square that a pixel covers
		y, x, c := at/3/side, at/3%side, at%3
		y0, y1, x0, x1 := y*h/side, max((y+1)*h/side, y*h/side+1), x*h/side, max((x+1)*h/side, x*h/side+1)
		sum := 0
		for v := y0; v < y1; v++ {
			for u := x0; u < x1; u++ {
				sum += int(pix[(v*h+u)*3+c])
			}
		}
		n := (y1 - y0) * (x1 - x0)
		p.Pix[at] = uint8((sum + n/2) / n)
	}
	return p
}

// A mesh is seen from so many sides, from a little above.
const sides, above = 24, 20

// views draws the meshes of a folder, but for parts of meshes.
func views(dir string, side int, visit func(name string, p *picture.Picture) error) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		name := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))
		if strings.Contains(name, "_part") {
			continue
		}
		m, _, err := meshfile.Read(filepath.Join(dir, e.Name()), meshfile.Options{})
		if err != nil {
			return err
		}
		for i := range sides {
			drawn, err := draw.Draw(m, draw.Options{Size: 4 * side, Azimuth: float64(i) * 360 / sides, Elevation: above, NoEdges: true})
			if err != nil {
				return fmt.Errorf("%s: %w", e.Name(), err)
			}
			pix := make([]uint8, 0, 16*side*side*3)
			for at := 0; at < len(drawn.Pix); at += 4 {
				pix = append(pix, drawn.Pix[at:at+3]...)
			}
			if err := visit(fmt.Sprintf("%s-%02d", name, i), smaller(pix, 4*side, side)); err != nil {
				return err
			}
		}
	}
	return nil
}
