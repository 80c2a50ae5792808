package pipelines

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// TestFarFromTheOrigin generates closed surfaces where float32 steps are wider
// than their faces, or where it ends. The files must be closed too, and the
// measures of the row must be those of the files.
func TestFarFromTheOrigin(t *testing.T) {
	use(t, request.Shape, newEcho(shard.KindOctree))
	dir := t.TempDir()
	var paths []string
	for name, to := range map[string]mesh.Transform{
		"utm":    {Scale: 2, Offset: mesh.Vec3{500_000.25, 4_100_000.5, 120}},
		"far":    {Scale: 1, Offset: mesh.Vec3{1e9, 1e9, 1e9}},
		"narrow": {Scale: 1e-160},
		"wide":   {Scale: 1e60, Offset: mesh.Vec3{1e62, 0, 0}},
	} {
		path := filepath.Join(dir, name+".obj")
		if err := meshfile.Write(path, mesh.Transformed(mesh.QuadSphere(12), to.Matrix())); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	j := job(t, request.Shape, paths)
	if s, err := Generate(context.Background(), j); err != nil || s.Done != len(paths) {
		t.Fatalf("%+v, %v", s, err)
	}
	results, err := report.ReadResults(j.Settings.Out)
	if err != nil || len(results) != len(paths) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, row := range results {
		for _, name := range []string{row.Output, row.OBJ} {
			m, _, err := meshfile.Read(filepath.Join(j.Settings.Out, name), meshfile.Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			r, err := mesh.Measure(m)
			if err != nil || r.Euler != 2 || !r.Watertight || r.Quads != 6*12*12 {
				t.Errorf("%s: Euler %d, watertight %v, %d quads, %v", name, r.Euler, r.Watertight, r.Quads, err)
			}
			if row.Measures["watertight"] != 1 || row.Measures["vertices"] != float64(r.WeldedVertices) || row.Measures["quads"] != float64(r.Quads) {
				t.Errorf("%s: the row says %v, the file has %+v", name, row.Measures, r)
			}
		}
	}
}
