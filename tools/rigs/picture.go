package main

import (
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"math"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	view "github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/rig"
)

// picture shows rigs, a row each: the mesh, the true bones within it, its own bones, and the mesh as its
// joints move it.
func picture(args []string) error {
	f := flag.NewFlagSet("rigs picture", flag.ContinueOnError)
	truth := f.String("truth", "", "`folder` of skinned GLB files of the same names with the true skeletons; empty: nobody knows them")
	out := f.String("out", "", "JPEG `file` to write")
	turn := f.Float64("turn", 0.35, "radians by which joints turn, one way or the other")
	azimuth := f.Float64("azimuth", 35, "degrees to the right")
	size := f.Int("size", 320, "pixels of a view")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() == 0 || *out == "" {
		return fmt.Errorf("%w: --out and skinned GLB files are needed", errFlags)
	}
	var all *image.RGBA
	for row, path := range f.Args() {
		r, _, err := gltf.ReadRig(path, gltf.ReadOptions{})
		if err != nil {
			return err
		}
		surfaces, bones := []*mesh.Mesh{r.Mesh}, []*mesh.Mesh{nil}
		if *truth != "" {
			t, _, err := gltf.ReadRig(filepath.Join(*truth, filepath.Base(path)), gltf.ReadOptions{})
			if err != nil {
				return err
			}
			surfaces, bones = append(surfaces, t.Mesh), append(bones, t.Skeleton())
		}
		posed, err := r.Pose(turns(r, *turn))
		if err != nil {
			return err
		}
		surfaces, bones = append(surfaces, r.Mesh, posed.Mesh), append(bones, r.Skeleton(), nil)
		if all == nil {
			all = image.NewRGBA(image.Rect(0, 0, len(surfaces)**size, f.NArg()**size))
		}
		for i, m := range surfaces {
			v, err := view.Draw(m, view.Options{Size: *size, Azimuth: *azimuth, Elevation: 20, NoEdges: true, Inside: bones[i]})
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			draw.Draw(all, image.Rect(i**size, row**size, (i+1)**size, (row+1)**size), v, image.Point{}, draw.Src)
		}
	}
	return atomicfile.Write(*out, func(w io.Writer) error { return jpeg.Encode(w, all, &jpeg.Options{Quality: 85}) })
}

// turns bends all joints but the root about the axis across the view, by their number one way or the
// other: a pose that shows which joint moves what.
func turns(r *rig.Rig, radians float64) []rig.Turn {
	out := make([]rig.Turn, len(r.Joints))
	for i := range out[1:] {
		out[i+1] = rig.Turn{Axis: mesh.Vec3{1, 0, 0}, Radians: radians * math.Sin(float64(i+1)*2.4)}
	}
	return out
}
