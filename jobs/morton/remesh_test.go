package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/report"
)

// TestRemeshRun goes through the pipeline: closed meshes with their distances, no
// tokens, nothing done twice, and the uniform depth.
func TestRemeshRun(t *testing.T) {
	out := t.TempDir()
	args := []string{"remesh", "../../testdata/mesh/cc-0_bread.obj", "missing.obj", "--faces", "200", "--depth", "5", "--out", out}
	code, text, errs := morton(args...)
	if code != exitFailed || !strings.Contains(text, "1 done, 1 failed") || !strings.Contains(errs, "Chamfer") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	results, err := report.ReadResults(out)
	if err != nil || len(results) != 1 {
		t.Fatalf("%v, %v", results, err)
	}
	r := results[0]
	if f := r.Measures["faces"]; f > 200 || f < 180 || r.Measures["watertight"] != 1 {
		t.Errorf("%+v", r.Measures)
	}
	if r.Measures["replaced_faces"] < r.Measures["faces"] || r.Measures["hausdorff"] <= 0 || r.Measures["chamfer_mean"] >= r.Measures["replaced_chamfer_mean"] {
		t.Errorf("%+v", r.Measures)
	}
	if files, err := filepath.Glob(filepath.Join(out, "remesh", "*.parquet")); err != nil || len(files) > 0 || r.Shard != "" {
		t.Errorf("tokens %v, shard %q, %v", files, r.Shard, err)
	}
	m, _, err := meshfile.Read(filepath.Join(out, r.Output), meshfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := mesh.Measure(m); err != nil || !got.Watertight || float64(got.Faces) != r.Measures["faces"] || float64(got.Quads) != r.Measures["quads"] {
		t.Errorf("the GLB: %+v, %v", got, err)
	}
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	if err != nil || !strings.Contains(string(page), "Remeshed") || !strings.Contains(string(page), "replaced_chamfer_mean") || strings.Contains(string(page), "Seed") {
		t.Errorf("the page lacks the result, or has a seed: %v", err)
	}
	code, text, _ = morton(args...)
	if code != exitFailed || !strings.Contains(text, "1 done (1 by an earlier run), 1 failed") {
		t.Errorf("again: exit %d\n%s", code, text)
	}
	code, text, errs = morton("remesh", "../../testdata/mesh/cc-0_bread.obj", "--depth", "4", "--out", out, "--overwrite")
	results, err = report.ReadResults(out)
	if code != exitDone || err != nil || len(results) != 1 || results[0].Measures["quad_ratio"] != 1 {
		t.Errorf("depth alone: exit %d, %+v, %v\n%s%s", code, results, err, text, errs)
	}
}

func TestConvert(t *testing.T) {
	dir := t.TempDir()
	quads := "../../testdata/mesh/scopia_bowl.obj"
	glb := filepath.Join(dir, "bowl.glb")
	code, text, errs := morton("convert", quads, glb)
	if code != exitDone || !strings.Contains(text, "1184 quads") || strings.Contains(text, "triangles now") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	before, err := os.ReadFile(glb)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := meshfile.Read(glb, meshfile.Options{})
	if _, n, _ := census(m); err != nil || n != 1184 {
		t.Errorf("%d quads come back, %v", n, err)
	}
	code, _, errs = morton("convert", quads, glb)
	if code != exitFailed || !strings.Contains(errs, "--overwrite") {
		t.Errorf("over a file: exit %d, %s", code, errs)
	}
	if err := os.Symlink("bowl.glb", filepath.Join(dir, "link.glb")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bowl.glb", "link.glb"} { // itself, by name and by link
		code, _, errs = morton("convert", glb, filepath.Join(dir, name), "--overwrite")
		if code != exitUsage || !strings.Contains(errs, "it is an input") {
			t.Errorf("over itself: exit %d, %s", code, errs)
		}
	}
	// An input in the folder to write to, under the name that another becomes.
	// Nothing is written then, neither the others.
	code, _, errs = morton("convert", quads, glb, "--to", "glb", "--out", dir, "--overwrite")
	if code != exitUsage || !strings.Contains(errs, "it is an input") {
		t.Errorf("into the inputs' folder: exit %d, %s", code, errs)
	}
	if after, err := os.ReadFile(glb); err != nil || string(after) != string(before) {
		t.Errorf("the input has changed, %v", err)
	}
	code, text, errs = morton("convert", "../../testdata/mesh/generic_hand_left.glb", "../../testdata/video/plant_320x240_30fps_36f.mp4", "--to", "obj", "--out", filepath.Join(dir, "objs"), "--json")
	var done converted
	if err := json.Unmarshal([]byte(text), &done); err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || !strings.Contains(errs, "for meshes only") || done.Faces != 2314 || len(done.Lost) != 2 || done.Lost[0] != "1 material" {
		t.Errorf("exit %d, %+v\n%s", code, done, errs)
	}
}

func TestCompare(t *testing.T) {
	a := "../../testdata/mesh/cc-0_crate.obj"
	code, text, errs := morton("compare", a, a, "--samples", "500")
	if code != exitDone || !strings.Contains(text, "Hausdorff") || !strings.Contains(text, "F-score  1.0000  at 0.005") {
		t.Errorf("exit %d\n%s%s", code, text, errs)
	}
	code, text, errs = morton("compare", a, "../../testdata/mesh/scopia_bowl.obj", "--json", "--samples", "500", "--threshold", "0.1", "--threshold", "0.2")
	var got struct {
		Side, ChamferL1 float64
		Samples         int
		Scores          []struct{ Threshold float64 }
		Units           struct{ Hausdorff float64 } `json:"in_units"`
		Hausdorff       float64
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if code != exitDone || got.Samples != 500 || len(got.Scores) != 2 || got.Units.Hausdorff != got.Hausdorff*got.Side || got.Hausdorff <= 0 {
		t.Errorf("exit %d, %+v\n%s", code, got, errs)
	}
	for _, pair := range [][2]string{{a, "missing.obj"}, {"main.go", a}} {
		code, text, errs := morton("compare", pair[0], pair[1])
		if code != exitFailed || text != "" || strings.Count(errs, "\n") != 1 || strings.Contains(errs, "meshfile.") {
			t.Errorf("%v: exit %d\n%s%s", pair, code, text, errs)
		}
	}
}
