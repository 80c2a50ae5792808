package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/transforms/report"
)

// TestTrainQuadGPT trains a network of levels on windows of meshes for two steps, and draws a
// mesh that is longer than a window with the folder that it leaves.
func TestTrainQuadGPT(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	dir := t.TempDir()
	config, tokens, out := filepath.Join(dir, "config.json"), filepath.Join(dir, "tokens.parquet"), filepath.Join(dir, "model")
	if err := os.WriteFile(config, []byte(`{"width": 32, "heads": 2, "hidden": 48, "encoder": 1, "blocks": [[1, 1], [1, 1], [1, 0]],
		"window": 96, "length": 4801, "levels": 64, "points": 14, "quads": 0.9, "rope_theta": 1e4}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := shard.Create(tokens)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range []*mesh.Mesh{mesh.QuadSphere(1), mesh.QuadSphere(2), mesh.QuadSphere(3)} {
		s, _, err := faces.Tokenizer{Config: faces.Config{Levels: 64, Points: 14}}.Encode(string(rune('a'+i)), system.Media{Mesh: m}, system.Extent{})
		if err == nil {
			err = w.Write(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code, text, errs := morton("train", "--system", "quadgpt", "--config", config, "--tokens", tokens, "--heldout", tokens, "--out", out, "--steps", "2", "--batch", "2")
	if code != exitDone || !strings.Contains(text, "bigram") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	if code, text, errs := morton("inspect", out); code != exitDone || !strings.Contains(text, "quadgpt") {
		t.Errorf("exit %d\n%s%s", code, text, errs)
	}
	drawn := filepath.Join(dir, "drawn")
	if code, text, errs := morton("generate", "quads", "--model", out, "--input", "../../testdata/mesh/cc-0_rock2.obj", "--faces", "20", "--temperature", "1", "--out", drawn); code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	for _, r := range readJSON[report.Result](t, filepath.Join(drawn, "results.jsonl")) {
		path := strings.TrimSuffix(filepath.Join(drawn, r.Output), filepath.Ext(r.Output)) + ".obj"
		m, _, err := obj.ReadFile(path, obj.Limits{})
		if err != nil || m.NumFaces() < 9 || m.NumFaces() > 20 {
			t.Errorf("%s: %v, %v", r.Output, m, err)
		}
	}
}
