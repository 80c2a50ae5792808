package main

import (
	"flag"
	"fmt"
	"image"
	pixels "image/draw"
	"image/jpeg"
	"io"

	"github.com/morton-gen/morton/internal/atomicfile"
	view "github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// picture puts meshes side by side, row by row.
func picture(args []string, out io.Writer) error {
	f := flag.NewFlagSet("shapes picture", flag.ContinueOnError)
	f.SetOutput(out)
	path := f.String("out", "", "JPEG `file` to write")
	columns := f.Int("columns", 8, "meshes of a row")
	size := f.Int("size", 128, "pixels of a mesh")
	azimuth := f.Float64("azimuth", 35, "degrees to the right")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() == 0 || *path == "" || *columns < 1 {
		return fmt.Errorf("%w: --out, mesh files, and --columns of at least 1 are needed", errFlags)
	}
	all := image.NewRGBA(image.Rect(0, 0, *columns**size, (f.NArg()+*columns-1) / *columns * *size))
	pixels.Draw(all, all.Bounds(), image.White, image.Point{}, pixels.Src)
	for i, file := range f.Args() {
		m, _, err := meshfile.Read(file, meshfile.Options{})
		if err != nil {
			return err
		}
		v, err := view.Draw(m, view.Options{Size: *size, Azimuth: *azimuth, Elevation: 20, NoEdges: true})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		x, y := i%*columns**size, i / *columns * *size
		pixels.Draw(all, image.Rect(x, y, x+*size, y+*size), v, image.Point{}, pixels.Src)
	}
	return atomicfile.Write(*path, func(w io.Writer) error { return jpeg.Encode(w, all, &jpeg.Options{Quality: 85}) })
}
