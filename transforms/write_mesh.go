package transforms

import (
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/transforms/report"
)

// writeMesh writes a GLB, an OBJ and a view, and returns what a reader of the GLB gets.
func writeMesh(m *mesh.Mesh, p report.Place, row *report.Result, d *report.Delivery) (written *mesh.Mesh, err error) {
	row.Output, row.OBJ, row.Poster = p.File(".glb"), p.File(".obj"), p.File(".png")
	err = errors.Join(
		writeTo(d, row.Output, func(path string) (err error) {
			if err = gltf.Write(path, m, gltf.WriteOptions{}); err == nil {
				written, _, err = gltf.Read(path, gltf.ReadOptions{Limits: limit.Unlimited()})
			}
			return err
		}),
		writeTo(d, row.OBJ, func(path string) error { return obj.WriteFile(path, m) }),
		writeTo(d, row.Poster, func(path string) error { return writeView(path, m) }))
	return written, err
}

func writeView(path string, m *mesh.Mesh) error {
	view, err := draw.Draw(m, draw.Options{Size: 256, Azimuth: 35, Elevation: 25})
	if err != nil {
		return fmt.Errorf("transforms.Write: %w", err)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return picture.WritePNG(w, view) })
}
