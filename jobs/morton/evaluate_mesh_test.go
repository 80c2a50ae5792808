package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
)

// TestEvaluateQuads evaluates the shipped model on a fixture, on a file that is no mesh, and
// on one whose results nobody can measure.
func TestEvaluateQuads(t *testing.T) {
	flat := filepath.Join(t.TempDir(), "line.obj")
	if err := os.WriteFile(flat, []byte("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, text, errs := morton("evaluate", "quads", "../../testdata/mesh/cc-0_box.obj", "main.go", flat, "--faces", "8", "--samples", "2000", "--json")
	if code != exitFailed {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	var e evaluation
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	s, r := e.Summary, e.Results[0]
	if s.Files != 3 || s.Failed != 2 || e.Results[1].Failed == "" || !strings.Contains(e.Results[2].Failed, "area") {
		t.Fatalf("%+v", e)
	}
	if r.Failed != "" || r.Result.Faces < 1 || r.Result.Faces > 8 || r.Source.Faces == 0 || s.Chamfer != r.Compare.ChamferL1 || !(s.Chamfer > 0) || s.Faces != float64(r.Result.Faces) {
		t.Errorf("%+v, %+v", r, s)
	}
	code, text, _ = morton("evaluate", "quads", "../../testdata/mesh/cc-0_box.obj", "--faces", "8", "--samples", "2000")
	if code != exitDone || !strings.Contains(text, "1 file, 0 failed") || !strings.Contains(text, "cc-0_box.obj") {
		t.Errorf("exit %d\n%s", code, text)
	}
	var likeliest [2]evaluation // whose seeds do not matter
	for i, seed := range []string{"1", "2"} {
		_, text, errs := morton("evaluate", "quads", "../../testdata/mesh/cc-0_box.obj", "--faces", "8", "--samples", "2000", "--temperature", "0", "--seed", seed, "--json")
		if err := json.Unmarshal([]byte(text), &likeliest[i]); err != nil {
			t.Fatalf("%v\n%s", err, errs)
		}
	}
	if a, b := likeliest[0].Results[0].Result, likeliest[1].Results[0].Result; *a != *b || *a == *r.Result {
		t.Errorf("at temperature 0: %+v, %+v", a, b)
	}
	if code, _, errs := morton("evaluate", "quads"); code != exitUsage || !strings.Contains(errs, "mesh files") {
		t.Errorf("without files: exit %d\n%s", code, errs)
	}
}

// TestEvaluationSums works a summary out by hand: three results, of which two are of
// closed sources, and a failure.
func TestEvaluationSums(t *testing.T) {
	made := func(chamfer, f float64, source, result bool, faces int) score {
		return score{
			Source: &mesh.Report{Watertight: source}, Result: &mesh.Report{Watertight: result, Faces: faces, QuadRatio: chamfer},
			Compare: &compare.Report{Distances: compare.Distances{ChamferL1: chamfer, Hausdorff: 2 * chamfer}, Scores: []compare.Score{{Threshold: 0.01, F: 9}, {Threshold: fThreshold, F: f}}},
		}
	}
	e := evaluation{Results: []score{made(0.3, 0.5, true, true, 10), {Failed: "no"}, made(0.1, 0.9, true, false, 30), made(0.2, 0.1, false, true, 21)}}
	e.sum()
	s := e.Summary
	if s.Files != 4 || s.Failed != 1 || s.ClosedSources != 2 || s.Closed != 1 || s.Chamfer != 0.2 || s.Hausdorff != 0.4 || s.F != 0.5 || s.Faces != 21 || math.Abs(s.Quads-0.2) > 1e-12 {
		t.Errorf("%+v", s)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of four is %v", got)
	}
	if e := (evaluation{Results: []score{{Failed: "no"}}}); true {
		if e.sum(); e.Summary.Failed != 1 || e.Summary.Chamfer != 0 {
			t.Errorf("%+v", e.Summary)
		}
	}
}

// TestEvaluateShape compares a refined octree with what needs no model. What the whole octree keeps
// is nearest to the source, and the smooth surface is nearer than the cells.
func TestEvaluateShape(t *testing.T) {
	code, text, errs := morton("evaluate", "shape", "../../testdata/mesh/cc-0_box.obj", "--prefix-depth", "4", "--depth", "5", "--samples", "2000", "--json")
	var e evaluation
	if err := json.Unmarshal([]byte(text), &e); code != exitDone || err != nil {
		t.Fatalf("exit %d, %v\n%s", code, err, errs)
	}
	c := e.Results[0].Coarse
	if c == nil || !(c.Kept.Chamfer < c.Smooth.Chamfer && c.Smooth.Chamfer < c.Cells.Chamfer && c.Kept.IoU == 1 && c.Smooth.IoU < 1 && c.Cells.IoU < 1 && c.Model.Chamfer < c.Smooth.Chamfer && c.Model.IoU > 0.2) {
		t.Errorf("%+v", c)
	}
	if s := e.Summary.Coarse; s == nil || s.Model != c.Model || s.Kept != c.Kept || s.Nearer > 1 {
		t.Errorf("%+v", s)
	}
	var page strings.Builder
	if err := e.print(&page); err != nil || !strings.Contains(page.String(), "smooth through them: chamfer") || !strings.Contains(page.String(), "the model is nearer than the smooth surface on ") {
		t.Errorf("%v\n%s", err, page.String())
	}
}

// TestCompareCoarseThin compares two walls in one row of cells each, of which no smooth surface is
// left.
func TestCompareCoarseThin(t *testing.T) {
	walls := union(t, mesh.Box(mesh.Vec3{-1, -1, -1}, mesh.Vec3{-0.9, 1, 1}), mesh.Box(mesh.Vec3{-1, -1, -1}, mesh.Vec3{1, -0.9, 1}))
	c, err := compareCoarse(walls, walls, 6, 2, compare.Options{Samples: 500, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c.Smooth != c.Cells || !(c.Model.Chamfer < c.Cells.Chamfer) {
		t.Errorf("%+v", c)
	}
}
