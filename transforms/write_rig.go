package transforms

import (
	"errors"
	"image"
	"io"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/transforms/report"
)

// writeRig writes a skinned GLB, and two views of the surface, one with its bones over it.
func writeRig(r *rig.Rig, p report.Place, row *report.Result, d *report.Delivery) error {
	row.Output, row.Poster = p.File(".glb"), p.File(".png")
	return errors.Join(
		writeTo(d, row.Output, func(path string) error { return gltf.WriteRig(path, r, gltf.WriteOptions{}) }),
		writeTo(d, row.Poster, func(path string) error { return writeBones(path, r) }))
}

func writeBones(path string, r *rig.Rig) error {
	const size = 256
	both := image.NewRGBA(image.Rect(0, 0, 2*size, size))
	for i, bones := range []*mesh.Mesh{nil, r.Skeleton()} {
		view, err := draw.Draw(r.Mesh, draw.Options{Size: size, Azimuth: 35, Elevation: 25, NoEdges: true, Inside: bones})
		if err != nil {
			return err
		}
		for y := range size {
			copy(both.Pix[both.PixOffset(i*size, y):], view.Pix[view.PixOffset(0, y):view.PixOffset(size, y)])
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error { return picture.WritePNG(w, both) })
}
