package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyMeshes puts fixtures into a folder.
func copyMeshes(t *testing.T, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("../../testdata/mesh", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestCompareFolders compares folders of meshes: copies are told, a damaged file is left
// out and counted, and wrong uses are.
func TestCompareFolders(t *testing.T) {
	made := copyMeshes(t, "cc-0_box.obj", "cc-0_crate.obj")
	reference := copyMeshes(t, "cc-0_box.obj", "cc-0_horse2.obj", "cc-0_rock2.obj")
	code, out, errs := morton("compare", made, reference, "--points", "256", "--known", made, "--json")
	var r struct {
		Coverage float64 `json:"coverage"`
		Matching float64 `json:"minimum_matching_distance"`
		Shapes   int     `json:"reference_shapes"`
		Known    struct {
			Least     float64 `json:"made_least"`
			Reference float64 `json:"reference_median"`
		} `json:"novelty"`
	}
	if err := json.Unmarshal([]byte(out), &r); code != exitDone || err != nil || r.Shapes != 3 || r.Coverage < 1./3-1e-9 || !(r.Matching > 0) || r.Known.Least != 0 || !(r.Known.Reference > 0) {
		t.Errorf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if err := os.WriteFile(filepath.Join(made, "torn.obj"), []byte("v 0 0 0\nf 1 2 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs = morton("compare", made, reference, "--points", "256")
	if code != exitFailed || !strings.Contains(out, "2 meshes") || !strings.Contains(errs, "left out: ") || !strings.Contains(errs, "torn.obj") {
		t.Errorf("with a damaged file: exit %d, %s%s", code, out, errs)
	}
	for want, args := range map[string][]string{
		"no mesh among":       {made, t.TempDir()},
		"--samples is for":    {made, reference, "--samples", "9"},
		"are for two folders": {filepath.Join(made, "cc-0_box.obj"), filepath.Join(made, "cc-0_crate.obj"), "--points", "9"},
		"--points is 1 to":    {made, reference, "--points", "0"},
		"two folders, not 1":  {made},
	} {
		if code, _, errs := morton(append([]string{"compare"}, args...)...); code == exitDone || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d, no %q in %s", args, code, want, errs)
		}
	}
}
