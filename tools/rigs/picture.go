package main

import (
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/rig"
)

// picture shows a rig: the mesh, the true bones if they are known, its own bones, and the mesh as its joints
// move it.
func picture(args []string) error {
	f := flag.NewFlagSet("rigs picture", flag.ContinueOnError)
	input := f.String("input", "", "skinned GLB")
	truth := f.String("truth", "", "skinned GLB with the true skeleton; empty: nobody knows it")
	out := f.String("out", "", "PNG to write")
	turn := f.Float64("turn", 0.35, "radians by which joints turn, one way or the other")
	azimuth := f.Float64("azimuth", 35, "degrees to the right")
	size := f.Int("size", 320, "pixels of a view")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *input == "" || *out == "" {
		return fmt.Errorf("%w: --input and --out are needed", errFlags)
	}
	r, _, err := gltf.ReadRig(*input, gltf.ReadOptions{})
	if err != nil {
		return err
	}
	views := []*mesh.Mesh{r.Mesh}
	if *truth != "" {
		t, _, err := gltf.ReadRig(*truth, gltf.ReadOptions{})
		if err != nil {
			return err
		}
		views = append(views, t.Skeleton())
	}
	posed, err := r.Pose(turns(r, *turn))
	if err != nil {
		return err
	}
	views = append(views, r.Skeleton(), posed.Mesh)
	all := image.NewRGBA(image.Rect(0, 0, len(views)**size, *size))
	for i, m := range views {
		v, err := draw.Draw(m, draw.Options{Size: *size, Azimuth: *azimuth, Elevation: 20, NoEdges: true})
		if err != nil {
			return err
		}
		for y := range *size {
			copy(all.Pix[all.PixOffset(i**size, y):], v.Pix[v.PixOffset(0, y):v.PixOffset(*size, y)])
		}
	}
	return atomicfile.Write(*out, func(w io.Writer) error { return png.Encode(w, all) })
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
