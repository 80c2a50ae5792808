package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/report"
)

// tinyVideo is a folder of a tiny NAR for videos with the tiny LARP.
func tinyVideo(t *testing.T) string {
	t.Helper()
	const larp = "../../models/tokenizer/larp/testdata/"
	dir := t.TempDir()
	for name, from := range map[string]string{
		"config.json": tinySystems + "nar-video/config.json", "generator.safetensors": tinySystems + "nar-video/weights.safetensors",
		"larp.safetensors": larp + "weights.safetensors", "tokenizer.json": larp + "config.json",
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGenerateClipsOfAClass draws two clips of a class: they have the tokens of
// models.Model, a second run does nothing, and their tokens turn back into them.
func TestGenerateClipsOfAClass(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	model, out := tinyVideo(t), t.TempDir()
	args := []string{"generate", "video", "--model", model, "--class", "7", "--count", "2", "--seed", "5", "--guidance", "3", "--guidance-tokens", "9", "--out", out}
	if code, text, errs := morton(args...); code != exitDone || !strings.Contains(text, "2 done, 0 failed") || !strings.Contains(text, "48 tokens sampled") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	p, err := models.Open(dev, system.Video, model, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rows := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))
	if len(rows) != 2 || rows[0].TokensSHA256 == rows[1].TokensSHA256 {
		t.Fatalf("%d results, or equal ones", len(rows))
	}
	scale := 3.0
	for _, r := range rows {
		want, err := p.Generate(t.Context(), models.Request{ID: r.ID, Seed: 5, Class: 7, Guidance: &scale, Interval: 9})
		if err != nil {
			t.Fatal(err)
		}
		if r.TokensSHA256 != report.HashTokens(want.Sample.Tokens) || r.Model != p.Name() || r.TokenCount != 24 || r.OutputFrames != 4 || r.GivenFrames != 0 {
			t.Errorf("%+v", r)
		}
		c, _, err := video.ReadClip(t.Context(), filepath.Join(out, r.Output), video.Options{})
		if err != nil || c.T != 4 || c.H != 16 || c.W != 16 {
			t.Errorf("%s: %v", r.Output, err)
		}
	}
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	if err != nil || strings.Count(string(page), "<video") != 2 {
		t.Errorf("the page lacks clips, error %v", err)
	}
	if code, text, _ := morton(args...); code != exitDone || !strings.Contains(text, "2 done (2 by an earlier run)") {
		t.Errorf("again: exit %d\n%s", code, text)
	}
	back := t.TempDir()
	if code, text, errs := morton("detokenize", "video", "--model", model, "--input", filepath.Join(out, "video", "tokens.parquet"), "--out", back); code != exitDone || !strings.Contains(text, "2 done, 0 failed") {
		t.Fatalf("detokenize: exit %d\n%s%s", code, text, errs)
	}
	for _, r := range rows {
		drawn, err := os.ReadFile(filepath.Join(out, r.Output))
		again, errBack := os.ReadFile(filepath.Join(back, r.Output))
		if err != nil || errBack != nil || !slices.Equal(drawn, again) {
			t.Errorf("%s comes back as another clip: %v, %v", r.ID, err, errBack)
		}
	}
}

// TestClipsOfAManifest draws a class of a line; beside an input "class" is the user's own.
func TestClipsOfAManifest(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	model, out := tinyVideo(t), t.TempDir()
	manifest := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(manifest, []byte(`{"id": "a", "class": 4, "guidance": 1}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, errs := morton("generate", "video", "--model", model, "--manifest", manifest, "--out", out)
	rows := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))
	if code != exitDone || len(rows) != 1 || rows[0].Class == nil || *rows[0].Class != 4 || rows[0].OutputFrames != 4 {
		t.Errorf("exit %d, %+v\n%s%s", code, rows, text, errs)
	}
}

// TestTokenizeClips codes a video in clips of the published model's.
func TestTokenizeClips(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	model, out := tinyVideo(t), t.TempDir()
	code, text, errs := morton("tokenize", "video", "--model", model, "--input", "../../testdata/video/plant_320x240_30fps_36f.mp4", "--out", out)
	if code != exitDone || !strings.Contains(text, "1 done, 0 failed") || !strings.Contains(errs, "168 tokens of 30 frames") {
		t.Errorf("exit %d\n%s%s", code, text, errs)
	}
}

// TestClassMistakes are wrong ways to ask for a clip of a class.
func TestClassMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"--class 3":                       "--model names",
		"--class 3 --model m --input a":   "not from both",
		"--class 3 --model m --frames 8":  "takes no --frames",
		"--model m --guidance 2":          "--guidance needs --class",
		"--class 3 --model m --every 1s":  "takes no --every",
		"--class -1 --model m":            "class -1 is negative",
		"--class 3 --model m --prefix 16": "takes no --prefix",
	} {
		out := filepath.Join(t.TempDir(), "o")
		code, _, errs := morton(append([]string{"generate", "video", "--out", out}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: the folder was made", args)
		}
	}
	manifest := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(manifest, []byte(`{"id": "a", "class": 3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := morton("generate", "video", "--manifest", manifest, "--out", filepath.Join(t.TempDir(), "o"))
	if code != exitUsage || !strings.Contains(errs, `m.jsonl:1: the model continues clips: the line needs an "input"`) {
		t.Errorf("a class of the shipped model: exit %d, %s", code, errs)
	}
}
