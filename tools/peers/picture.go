package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"os"
	"strings"

	"github.com/morton-gen/morton/mesh"
	paint "github.com/morton-gen/morton/mesh/draw"
)

// picture draws a row a mesh: the source without edges, and each result with them.
func picture(args []string, out io.Writer) error {
	f := newFlags("picture", out)
	list, pick := f.String("list", "", "`file` that list printed"), f.String("pick", "", "names of meshes, with commas between")
	to, size := f.String("o", "", "the JPEG `file`"), f.Int("size", 420, "pixels of a picture")
	if err := f.Parse(args); err != nil {
		return err
	}
	files, err := readList(*list)
	if err != nil {
		return err
	}
	all, err := parseResults(f.Args())
	if err != nil {
		return err
	}
	names := strings.Split(*pick, ",")
	sheet := image.NewRGBA(image.Rect(0, 0, *size*(1+len(all)), *size*len(names)))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	for _, path := range files {
		for i, n := range names {
			if n != name(path) {
				continue
			}
			source, err := read(path)
			if err != nil {
				return err
			}
			source, _ = mesh.Orient(source)
			if err := place(sheet, source, 0, i, *size, true); err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			for k, p := range all {
				if m := p.open(path); m != nil {
					if err := place(sheet, m, k+1, i, *size, false); err != nil {
						return fmt.Errorf("%s: %w", n, err)
					}
				}
			}
		}
	}
	w, err := os.Create(*to)
	if err != nil {
		return err
	}
	if err := jpeg.Encode(w, sheet, &jpeg.Options{Quality: 88}); err != nil {
		return err
	}
	return w.Close()
}

func place(sheet *image.RGBA, m *mesh.Mesh, column, line, size int, noEdges bool) error {
	img, err := paint.Draw(m, paint.Options{Size: size, Azimuth: 30, Elevation: 25, NoEdges: noEdges})
	if err != nil {
		return err
	}
	draw.Draw(sheet, image.Rect(column*size, line*size, (column+1)*size, (line+1)*size), img, image.Point{}, draw.Src)
	return nil
}
