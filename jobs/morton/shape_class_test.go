package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/report"
)

// TestGenerateShapeOfAClass draws from the shipped model by the name of a class, by its
// number, and by the name in a manifest: the shape is the same, in files with the class's
// name. What the model lacks is told.
func TestGenerateShapeOfAClass(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	names, err := models.Classes(system.Shape, "")
	if err != nil || len(names) < 2 || names[0] != "any" {
		t.Fatalf("classes %v, %v", names, err)
	}
	number := slices.Index(names, "box")
	manifest := filepath.Join(t.TempDir(), "all.jsonl")
	if err := os.WriteFile(manifest, []byte(`{"id": "box-1", "class": "box"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, words := range [][]string{{"--class", "box"}, {"--class", strconv.Itoa(number)}, {"--manifest", manifest}} {
		out := t.TempDir()
		code, said, errs := morton(append([]string{"generate", "shape", "--depth", "5", "--out", out}, words...)...)
		rows := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))
		if code != exitDone || len(rows) != 1 || rows[0].ID != "box-1" || rows[0].Class == nil || *rows[0].Class != number || rows[0].ClassName != "box" {
			t.Fatalf("%v: exit %d, %+v\n%s%s", words, code, rows, said, errs)
		}
		data, err := os.ReadFile(filepath.Join(out, "shape/box-1.obj"))
		if err != nil {
			t.Fatal(err)
		}
		drawn = append(drawn, string(data))
	}
	if drawn[0] != drawn[1] || drawn[0] != drawn[2] {
		t.Error("a class by its number, or in a manifest, is another shape than by its name")
	}
	for class, want := range map[string]string{"bix": "any, " + names[1], "-1": "the model has", strconv.Itoa(len(names)): "the model has"} {
		if code, _, errs := morton("generate", "shape", "--class", class, "--out", t.TempDir()); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("--class %s: exit %d, no %q in %s", class, code, want, errs)
		}
	}
}
