package main

import (
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh"
	paint "github.com/morton-gen/morton/mesh/draw"
)

// picture draws a row a mesh: the source without edges, and each result with them.
func picture(args []string, out io.Writer) error {
	f := newFlags("picture", out)
	pick := f.String("pick", "", "names of meshes, with commas between")
	to, size := f.String("o", "", "the JPEG `file`"), f.Int("size", 420, "pixels of a picture")
	files, all, err := parseResults(f, args)
	if err != nil {
		return err
	}
	names := strings.Split(*pick, ",")
	files = slices.DeleteFunc(files, func(path string) bool { return !slices.Contains(names, name(path)) })
	sheet := image.NewRGBA(image.Rect(0, 0, *size*(1+len(all)), *size*len(names)))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	if err := visit(files, all, func(path string, source *mesh.Mesh, got []*mesh.Mesh) (err error) {
		source, _ = mesh.Orient(source)
		for k, m := range append([]*mesh.Mesh{source}, got...) {
			if err == nil && m != nil {
				err = place(sheet, m, k, slices.Index(names, name(path)), *size, k == 0)
			}
		}
		return err
	}); err != nil {
		return err
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
