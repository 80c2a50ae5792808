package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/transforms/report"
)

// pictureTokens writes a shard of pictures of 5 by 5 tokens of 64 values.
func pictureTokens(t *testing.T, n int) string {
	return tokensOf(t, n, shard.KindVQ, 25, 5, 5)
}

// tokensOf writes a shard of n samples with so many tokens below 64 each. Those of
// real numbers are bits of numbers from -1 to 1.
func tokensOf(t *testing.T, n int, kind string, tokens int, grid ...int32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.parquet")
	w, err := shard.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s := shard.Sample{ID: fmt.Sprint(i), Kind: kind, Grid: grid, Meta: map[string]string{"class": fmt.Sprint(i % 10)}}
		for p := range tokens {
			x := int64(i+p) % 64
			if kind == shard.KindKL {
				x = int64(math.Float32bits(float32(x)/32 - 1))
			}
			s.Tokens = append(s.Tokens, x)
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

// tinyMasked describes a network of 2 by 2 tokens of 16 numbers, which are patches of the
// tiny autoencoder's latents.
const tinyMasked = `{"img_size": 16, "vae_stride": 4, "patch_size": 2, "vae_embed_dim": 4, "encoder_embed_dim": 16, "encoder_depth": 1, "encoder_num_heads": 2,
	"decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2, "class_num": 10, "buffer_size": 2, "diffloss_d": 1, "diffloss_w": 16, "noise_channels": 4,
	"num_sampling_steps": "ddim4", "num_iter": 2, "shortcut": %t}`

// TestTrainPublished trains every system of pictures that trains for two steps, and draws
// with the folder that it leaves.
func TestTrainPublished(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	const tokenizers = "../../models/tokenizer/"
	scales := []int32{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		system, config, codec string
		shards                func(n int) string
		side                  int
		line                  string
	}{
		{"nar", fileText(t, tinySystems+"nar/config.json"), "vq", func(n int) string { return pictureTokens(t, n) }, 20, "bigram"},
		{"var", fileText(t, tinySystems+"var/config.json"), "msvq", func(n int) string { return tokensOf(t, n, shard.KindScales, 91, scales...) }, 24, "bigram"},
		{"mar", fmt.Sprintf(tinyMasked, false), "kl", func(n int) string { return tokensOf(t, n, shard.KindKL, 64, 2, 2, 16) }, 16, "normal by place"},
		{"mar", fmt.Sprintf(tinyMasked, true), "kl", func(n int) string { return tokensOf(t, n, shard.KindKL, 64, 2, 2, 16) }, 16, "normal by place"},
		{"ear", fmt.Sprintf(tinyMasked, false), "kl", func(n int) string { return tokensOf(t, n, shard.KindKL, 64, 2, 2, 16) }, 16, "normal by place"},
	} {
		config, tokenizer, out, pictures := filepath.Join(t.TempDir(), "config.json"), t.TempDir(), filepath.Join(t.TempDir(), "model"), t.TempDir()
		for name, data := range map[string]string{
			config: c.config, filepath.Join(tokenizer, "vae.safetensors"): fileText(t, tokenizers+c.codec+"/testdata/decoder.safetensors"),
			filepath.Join(tokenizer, "tokenizer.json"): fileText(t, tokenizers+c.codec+"/testdata/config.json"),
		} {
			if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if c.system == "ear" { // the file alone, in a generator's folder: what describes it goes along
			if err := os.WriteFile(filepath.Join(tokenizer, "config.json"), []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			tokenizer = filepath.Join(tokenizer, "vae.safetensors")
		}
		args := []string{
			"train", "--system", c.system, "--config", config, "--tokens", c.shards(12), "--heldout", c.shards(3), "--out", out, "--steps", "2", "--batch", "2", "--tokenizer", tokenizer,
		}
		if code, text, errs := morton(args...); code != exitDone || !strings.Contains(text, c.line) {
			t.Fatalf("%s: exit %d\n%s%s", c.system, code, text, errs)
		}
		for _, name := range []string{"config.json", "model.safetensors", "training.json", "loss.html", "metrics.jsonl", "checkpoint/metrics.jsonl", "tokenizer/vae.safetensors"} {
			if _, err := os.Stat(filepath.Join(out, name)); err != nil {
				t.Error(err)
			}
		}
		if code, text, errs := morton("generate", "image", "--model", out, "--class", "7", "--count", "2", "--out", pictures); code != exitDone || !strings.Contains(text, "2 done, 0 failed") {
			t.Fatalf("%s: exit %d\n%s%s", c.system, code, text, errs)
		}
		for _, r := range readJSON[report.Result](t, filepath.Join(pictures, "results.jsonl")) {
			if p := readPNG(t, filepath.Join(pictures, r.Output)); p.W != c.side || p.H != c.side {
				t.Errorf("%s: a picture of %d by %d", c.system, p.W, p.H)
			}
		}
	}
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestTrainPublishedRefuses gives flags that do not go together.
func TestTrainPublishedRefuses(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	tokens := pictureTokens(t, 2)
	base := []string{"train", "--tokens", tokens, "--heldout", tokens}
	config := []string{"--config", tinySystems + "nar/config.json"}
	undescribed := filepath.Join(t.TempDir(), "vq.safetensors")
	if err := os.WriteFile(undescribed, []byte(fileText(t, "../../models/tokenizer/vq/testdata/decoder.safetensors")), 0o600); err != nil {
		t.Fatal(err)
	}
	between := filepath.Join(t.TempDir(), "config.json") // tokens between codes
	if err := os.WriteFile(between, []byte(strings.Replace(fileText(t, tinySystems+"var/config.json"), "{", `{"more_smooth": true, `, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, more := range map[string][]string{
		"var draws only":          {"--system", "var", "--config", between},
		"--config is required":    {"--system", "nar"},
		"--width is for our own":  append([]string{"--system", "nar", "--width", "64"}, config...),
		"called \"infinitystar\"": append([]string{"--system", "infinitystar"}, config...),
		"did you mean nova?":      append([]string{"--system", "nvoa"}, config...),
		"a window of 8 of 26":     append([]string{"--system", "nar", "--window", "8"}, config...),
		"taken for a published":   append([]string{"--system", "nar", "--tokenizer", undescribed}, config...),
		"no samples in 1 shard":   append([]string{"--system", "par"}, "--config", tinySystems+"par/config.json"),
	} {
		code, _, errs := morton(slices.Concat(base, more, []string{"--out", t.TempDir()})...) // a tokenizer stays in a folder
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d: %s, want %q", more, code, errs, want)
		}
	}
}
