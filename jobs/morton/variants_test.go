package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/transforms/report"
)

// TestVariantsAndWindows continues a film at several places, and each place in several
// ways.
func TestVariantsAndWindows(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	code, _, errs := morton("generate", "video", "--input", "../../testdata/video/bbb_256x144_25fps_64f.mp4", "--every", "1.2s",
		"--count", "2", "--prefix", "4", "--frames", "4", "--temperature", "1", "--out", out)
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	results, err := report.ReadResults(out)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	tokens := map[string]bool{}
	for _, r := range results {
		ids = append(ids, r.ID)
		tokens[r.TokensSHA256] = true
	}
	slices.Sort(ids)
	// The film has 2.56 s; the last window begins at 2.4 s, where exactly its four frames fit.
	const name = "bbb_256x144_25fps_64f-"
	want := []string{name + "0s-1", name + "0s-2", name + "1.2s-1", name + "1.2s-2", name + "2.4s-1", name + "2.4s-2"}
	if !slices.Equal(ids, want) || len(tokens) != len(want) {
		t.Errorf("%d different results %v, want %v", len(tokens), ids, want)
	}
}

// TestClipsOfAStillPicture continues a picture as a clip that stands still.
func TestClipsOfAStillPicture(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "still.png"), filepath.Join(dir, "out")
	p := &picture.Picture{H: 90, W: 160, Pix: make([]uint8, 90*160*3)}
	for i := range p.Pix {
		p.Pix[i] = uint8(i / 160)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := picture.EncodePNG(f, p); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	code, _, errs := morton("generate", "video", "--input", path, "--input", "variants_test.go", "--prefix", "8", "--frames", "4", "--out", out)
	if code != exitFailed {
		t.Errorf("exit %d: %s", code, errs)
	}
	results, err := report.ReadResults(out)
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	if r := results[0]; r.ID != "still" || !slices.Contains(r.Notes, "starts from a still picture, as 8 equal frames") {
		t.Errorf("result %+v", r)
	}
	code, _, errs = morton("generate", "video", "--input", path, "--start", "3s", "--frames", "4", "--out", filepath.Join(dir, "late"))
	if code != exitFailed {
		t.Errorf("a start in a picture: exit %d: %s", code, errs)
	}
}
