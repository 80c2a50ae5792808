package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/transforms/report"
)

// pictureTokens writes a shard of pictures of 5 by 5 tokens of 64 values.
func pictureTokens(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.parquet")
	w, err := shard.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s := shard.Sample{ID: fmt.Sprint(i), Kind: shard.KindVQ, Grid: []int32{5, 5}, Meta: map[string]string{"class": fmt.Sprint(i % 10)}}
		for p := range 25 {
			s.Tokens = append(s.Tokens, int64(i+p)%64)
		}
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTrainPublished trains NAR for two steps, and draws with the folder that it leaves.
func TestTrainPublished(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	tokenizer, out, pictures := t.TempDir(), filepath.Join(t.TempDir(), "model"), t.TempDir()
	for name, from := range map[string]string{"vq.safetensors": tinyVQ + "decoder.safetensors", "tokenizer.json": tinyVQ + "config.json"} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(tokenizer, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	args := []string{
		"train", "--system", "nar", "--config", tinySystems + "nar/config.json", "--tokens", pictureTokens(t, 12), "--heldout", pictureTokens(t, 3),
		"--out", out, "--steps", "2", "--batch", "2", "--tokenizer", tokenizer,
	}
	if code, text, errs := morton(args...); code != exitDone || !strings.Contains(text, "bigram") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	for _, name := range []string{"config.json", "model.safetensors", "training.json", "loss.html", "metrics.jsonl", "checkpoint/metrics.jsonl", "tokenizer/vq.safetensors"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	if code, text, errs := morton("generate", "image", "--model", out, "--class", "7", "--count", "2", "--out", pictures); code != exitDone || !strings.Contains(text, "2 done, 0 failed") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	for _, r := range readJSON[report.Result](t, filepath.Join(pictures, "results.jsonl")) {
		if p := readPNG(t, filepath.Join(pictures, r.Output)); p.W != 20 || p.H != 20 {
			t.Errorf("a picture of %d by %d", p.W, p.H)
		}
	}
}

// TestTrainPublishedRefuses gives flags that do not go together.
func TestTrainPublishedRefuses(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	tokens := pictureTokens(t, 2)
	base := []string{"train", "--tokens", tokens, "--heldout", tokens, "--out", t.TempDir()}
	config := []string{"--config", tinySystems + "nar/config.json"}
	for want, more := range map[string][]string{
		"not both":              append([]string{"--system", "nar", "--family", "quad"}, config...),
		"--config names":        {"--system", "nar"},
		"--width is for a":      append([]string{"--system", "nar", "--width", "64"}, config...),
		"called \"nova\"":       append([]string{"--system", "nova"}, config...),
		"a window of 8 of 26":   append([]string{"--system", "nar", "--window", "8"}, config...),
		"no samples in 1 shard": append([]string{"--system", "par"}, "--config", tinySystems+"par/config.json"),
	} {
		code, _, errs := morton(append(base, more...)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d: %s, want %q", more, code, errs, want)
		}
	}
}
