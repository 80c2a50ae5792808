package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/transforms/report"
)

var (
	kills        = flag.Int("test.kills", ofTest(10, 50), "of TestKills")
	killSeed     = flag.Uint64("test.killseed", 1, "of the moments of TestKills")
	killBinary   = flag.String("test.killbinary", "", "the program that TestKills runs, whose quads a real model makes; without it the tests', with a model that repeats its input")
	killRequests = flag.Int("test.killrequests", ofTest(60, 200), "of each run of TestKills")
)

// ofTest is a number of a test, and of an exhaustive one.
func ofTest(short, all int) int {
	if os.Getenv("MORTON_TEST") == "all" {
		return all
	}
	return short
}

// killsChild is set in a process that is there to be killed.
const killsChild = "MORTON_KILLS_CHILD"

// TestKills kills runs of many small requests at random moments, and begins each again in
// the same folder until it comes to its end. The files are then those of a run that nobody
// disturbed, and nothing half-made is left.
func TestKills(t *testing.T) {
	if testing.Short() {
		t.Skip("runs many processes")
	}
	var lines []string
	input := filepath.Join(t.TempDir(), "cube.obj")
	if err := obj.WriteFile(input, mesh.Cube()); err != nil {
		t.Fatal(err)
	}
	for i := range *killRequests {
		lines = append(lines, fmt.Sprintf(`{"id":"box-%03d","input":%q,"seed":%d}`, i, input, i+1))
	}
	manifest := filepath.Join(t.TempDir(), "requests.jsonl")
	if err := os.WriteFile(manifest, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	begun := time.Now()
	generateBoxes(t, manifest, whole, time.Hour)
	lasts := time.Since(begun)
	want := essence(t, whole)
	t.Logf("undisturbed: %d files in %v", len(want), lasts)

	random := rand.New(rand.NewPCG(*killSeed, 0))
	killed, left, folders := 0, 0, 0
	for killed < *kills {
		out := filepath.Join(t.TempDir(), fmt.Sprint("out-", folders))
		folders++
		// Within a quarter of the time, so that a folder sees some kills before its run ends.
		for killed < *kills && !generateBoxes(t, manifest, out, time.Duration(random.Int64N(int64(lasts/4)))) {
			killed++
			if len(partials(t, out)) > 0 {
				left++
			}
		}
		generateBoxes(t, manifest, out, time.Hour)
		if got := partials(t, out); len(got) > 0 {
			t.Errorf("left half-made: %v", got)
		}
		sameEssence(t, want, essence(t, out))
		s, err := report.ReadSummary(out)
		if err != nil || s.Done != *killRequests || s.Failed != 0 || !s.Complete {
			t.Errorf("%+v, error %v", s, err)
		}
		if t.Failed() {
			t.Fatalf("folder %s, -test.killseed %d", out, *killSeed)
		}
	}
	t.Logf("%d kills over %d folders; %d left something half-made, which the next run removed", killed, folders, left)
}

// generateBoxes runs the manifest in a process of its own, which it kills after some time. It
// reports whether the process came to its end before.
func generateBoxes(t *testing.T, manifest, out string, most time.Duration) (ended bool) {
	t.Helper()
	binary, env := *killBinary, os.Environ()
	if binary == "" {
		var err error
		if binary, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
		env = append(env, killsChild+"=1")
	}
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "generate", "quads", "--method", "model", "--faces", "6", "--slots", "16", "--manifest", manifest, "--out", out)
	cmd.Env = env
	text, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		t.Fatalf("%v\n%s", err, text)
	}
	return true
}

func partials(t *testing.T, dir string) (all []string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
		if strings.HasPrefix(filepath.Base(path), ".partial-") {
			all = append(all, path)
		}
		return nil
	})
	return all
}

// essence returns the files of a folder as two runs must have them in common: media, tokens
// and meshes to the byte, and rows without times and without who made them.
func essence(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		data, err := os.ReadFile(path)
		switch {
		case err != nil:
			return err
		case name == "morton.json", name == report.SummaryFile, strings.Contains(name, "/done/index-"):
			return nil // sizes, sums and times of the others
		case name == report.PageFile, filepath.Ext(name) == ".html":
			data = nil // shows times
		case name == report.ResultsFile:
			data = timeless(t, data)
		case filepath.Ext(name) == ".json":
			data = timeless(t, bytes.ReplaceAll(data, []byte("\n"), nil))
		}
		all[name] = string(data)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// timeless returns rows, or markers, without what differs from run to run.
func timeless(t *testing.T, rows []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for line := range bytes.Lines(rows) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		delete(row, "run")
		result := row
		if r, marker := row["result"].(map[string]any); marker {
			result = r
		}
		for _, name := range []string{"seconds", "waited_seconds", "skipped"} {
			delete(result, name)
		}
		if err := json.NewEncoder(&out).Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func sameEssence(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name, data := range want {
		if other, there := got[name]; !there {
			t.Errorf("%s is missing", name)
		} else if other != data {
			t.Errorf("%s differs:\n%.300s\n%.300s", name, data, other)
		}
	}
	for name := range got {
		if _, there := want[name]; !there {
			t.Errorf("%s is there", name)
		}
	}
}
