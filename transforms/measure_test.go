package transforms

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// TestMeasuresAreOfTheFile writes a mesh and wants the measures of what then stands
// in the file, near the origin and far from it.
func TestMeasuresAreOfTheFile(t *testing.T) {
	for _, by := range []mesh.Vec3{{}, {500000.25, 4100000.5, 120}} {
		source := mesh.Transformed(mesh.Torus(16, 10, 1, 0.4), mesh.Transform{Scale: 1, Offset: by}.Matrix())
		f := &writeFn{stage{Settings: Settings{Out: t.TempDir(), Action: report.Generate}}}
		it := &Item{
			Request: request.Request{ID: "m", Family: request.Quads}, Media: family.Media{Mesh: source},
			Result: &family.Result{
				Media: family.Media{Mesh: source}, Measures: family.Measures{"own": 7},
				Sample: shard.Sample{Kind: shard.KindQuad, Grid: []int32{1}, Tokens: []int64{1}},
			},
		}
		row, err := f.write(t.Context(), it, named("model"))
		if err != nil {
			t.Fatal(err)
		}
		m := row.Measures
		if m["own"] != 7 || m["faces"] != 160 || m["watertight"] != 1 || m["fscore_0.5pct"] != 1 || m[report.FScoreMeasure] != 1 || m["fscore_2pct"] != 1 {
			t.Errorf("at %v: %v", by, m)
		}
		if m["hausdorff"] > 1e-6 || m["chamfer_mean"] > 1e-6 || m["chamfer_squared"] > 1e-12 || m["normal_consistency"] < 0.999 {
			t.Errorf("at %v: %v", by, m)
		}
		if _, err := json.Marshal(row); err != nil {
			t.Error(err)
		}
	}
}

// TestMeasuresWithoutSource have no distances, and a source without area neither.
func TestMeasuresWithoutSource(t *testing.T) {
	line := &mesh.Mesh{Vertices: []mesh.Vec3{{0}, {1}, {2}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	for _, source := range []*mesh.Mesh{nil, line} {
		m := measure(&Item{Media: family.Media{Mesh: source}, Result: &family.Result{}}, mesh.Cube())
		if _, ok := m["chamfer_mean"]; ok || m["faces"] != 6 {
			t.Errorf("%v", m)
		}
	}
	far := mesh.Transformed(mesh.Cube(), mesh.Transform{Scale: 1e200}.Matrix())
	for name, x := range measure(&Item{Media: family.Media{Mesh: mesh.Cube()}, Result: &family.Result{}}, far) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Errorf("%s is %g", name, x)
		}
	}
}
