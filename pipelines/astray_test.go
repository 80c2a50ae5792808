package pipelines

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// drifting gives inputs back as they are, but moves those of one id by half their
// longest side.
type drifting struct {
	*echo
	id string
}

func (d drifting) Generate(ctx context.Context, r request.Request, m family.Media) (*family.Result, error) {
	out, err := d.echo.Generate(ctx, r, m)
	if err == nil && r.ID == d.id {
		lo, hi := mesh.Bounds(m.Mesh)
		size := hi.Sub(lo)
		by := mesh.Vec3{1, 1, 1}.Scale(max(size[0], size[1], size[2]) / 2)
		out.Media.Mesh = mesh.Transformed(m.Mesh, mesh.Transform{Scale: 1, Offset: by}.Matrix())
	}
	return out, err
}

// TestAstray runs a model that loses one of two inputs: the row, the summary and
// the page say so, and nothing of the kind of the other.
func TestAstray(t *testing.T) {
	model := drifting{newEcho(shard.KindQuad), "cc-0_crate"}
	family.Register(request.Quads, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return model, nil })
	j := job(t, request.Quads, []string{"../testdata/mesh/cc-0_rock2.obj", "../testdata/mesh/cc-0_crate.obj"})
	for range 2 { // the second run finds both done
		s, err := Generate(context.Background(), j)
		if err != nil {
			t.Fatal(err)
		}
		if s.Done != 2 || s.Astray != 1 {
			t.Errorf("%d done, %d astray, want 2 and 1", s.Done, s.Astray)
		}
	}
	results, err := report.ReadResults(j.Settings.Out)
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results: %v", len(results), err)
	}
	crate, rock := results[0].Measures, results[1].Measures
	if rock[report.FScoreMeasure] != 1 || rock["chamfer_mean"] > 1e-6 || rock["hausdorff"] > 1e-6 {
		t.Errorf("the same mesh again: %v", rock)
	}
	if crate[report.FScoreMeasure] >= report.AstrayBelow || crate["chamfer_mean"] < 0.1 || crate["hausdorff"] < 0.5 {
		t.Errorf("a mesh moved by half its side: %v", crate)
	}
	page, err := os.ReadFile(filepath.Join(j.Settings.Out, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "This result does not follow its input"); n != 1 {
		t.Errorf("the page says so %d times", n)
	}
}
