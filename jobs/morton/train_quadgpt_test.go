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
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// openQuads opens models of quads, before any test puts its own in their place.
var openQuads = family.Registered(request.Quads)

// TestTrainQuadGPT trains a network of levels on windows of meshes for two steps, and draws a
// mesh that is longer than a window with the folder that it leaves.
func TestTrainQuadGPT(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	withQuads(t, openQuads)
	dir := t.TempDir()
	config, tokens, out := filepath.Join(dir, "config.json"), filepath.Join(dir, "tokens.parquet"), filepath.Join(dir, "model")
	if err := os.WriteFile(config, []byte(`{"width": 32, "heads": 2, "hidden": 48, "encoder": 1, "blocks": [[1, 1], [1, 1], [1, 0]],
		"window": 96, "length": 4801, "levels": 64, "points": 14, "quads": 0.9, "rope_theta": 1e4}`), 0o600); err != nil {
		t.Fatal(err)
	}
	writeFaces(t, tokens, mesh.QuadSphere(1), mesh.QuadSphere(2), mesh.QuadSphere(3))
	code, text, errs := morton("train", "--system", "quadgpt", "--config", config, "--tokens", tokens, "--heldout", tokens, "--out", out, "--steps", "2", "--batch", "2")
	if code != exitDone || !strings.Contains(text, "bigram") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	if code, text, errs := morton("inspect", out); code != exitDone || !strings.Contains(text, "quadgpt") {
		t.Errorf("exit %d\n%s%s", code, text, errs)
	}
	triangles, _ := mesh.Triangulate(mesh.QuadSphere(2))
	pairs, preferring := filepath.Join(dir, "pairs.parquet"), filepath.Join(dir, "preferring")
	writeFaces(t, pairs, mesh.QuadSphere(2), triangles)
	prefer := []string{"train", "--system", "quadgpt", "--config", config, "--prefer", "0.1", "--tokens", pairs, "--heldout", pairs, "--out", preferring, "--steps", "2", "--batch", "2"}
	code, text, errs = morton(append(prefer, "--from", out)...)
	if code != exitDone || !strings.Contains(text+errs, "1 training and 1 held-out pairs; without a preference 0.6931 a pair") {
		t.Errorf("exit %d\n%s%s", code, text, errs)
	}
	if code, _, errs := morton(prefer...); code != exitUsage || !strings.Contains(errs, "needs --from") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := morton("train", "--system", "quadgpt", "--config", config, "--prefer", "0.1", "--tokens", tokens, "--heldout", pairs, "--out", t.TempDir(), "--steps", "2", "--from", out); code != exitUsage || !strings.Contains(errs, "two each are a pair") {
		t.Errorf("exit %d: %s", code, errs)
	}
	drawn := filepath.Join(dir, "drawn")
	if code, text, errs := morton("generate", "quads", "--model", out, "--input", "../../testdata/mesh/cc-0_rock2.obj", "--faces", "20", "--quad-share", "0.5", "--temperature", "1", "--out", drawn); code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	if data, err := os.ReadFile(filepath.Join(drawn, "quads", "requests.jsonl")); err != nil || !strings.Contains(string(data), `"quad_share":0.5`) {
		t.Errorf("%s, %v", data, err)
	}
	for _, r := range readJSON[report.Result](t, filepath.Join(drawn, "results.jsonl")) {
		path := strings.TrimSuffix(filepath.Join(drawn, r.Output), filepath.Ext(r.Output)) + ".obj"
		m, _, err := obj.ReadFile(path, obj.Limits{})
		if err != nil || m.NumFaces() < 9 || m.NumFaces() > 20 {
			t.Errorf("%s: %v, %v", r.Output, m, err)
		}
	}
}

// writeFaces writes a shard of meshes as faces behind points, those of the first mesh.
func writeFaces(t *testing.T, path string, meshes ...*mesh.Mesh) {
	t.Helper()
	w, err := shard.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const points = 14
	var first []int64
	for i, m := range meshes {
		s, _, err := faces.Tokenizer{Config: faces.Config{Levels: 64, Points: points}}.Encode(string(rune('a'+i)), system.Media{Mesh: m}, system.Extent{})
		if i == 0 {
			first = s.Tokens[:points]
		}
		if copy(s.Tokens, first); err == nil {
			err = w.Write(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
