package models_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

// folder copies files into a folder of their own, by their new names.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range files {
		data := must(os.ReadFile(from))(t)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	tinySystems = "systems/testdata/"
	tinyVQ      = "tokenizer/vq/testdata/"
)

// llamaFiles are a tiny LlamaGen with the tiny tokenizer of the same code book.
func llamaFiles() map[string]string {
	return map[string]string{
		"config.json": tinySystems + "llamagen/config.json", "c2i.safetensors": tinySystems + "llamagen/weights.safetensors",
		"vq.safetensors": tinyVQ + "decoder.safetensors", "tokenizer.json": tinyVQ + "config.json",
	}
}

// TestPicturesOfAFolder opens a folder of a generator and its tokenizer, and the file of the
// generator, and draws the same picture with both.
func TestPicturesOfAFolder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := folder(t, llamaFiles())
		var first *models.Result
		for _, path := range []string{dir, filepath.Join(dir, "c2i.safetensors")} {
			p := must(models.Open(dev, system.Image, path, models.Options{}))(t)
			res := must(p.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 7}))(t)
			got, side := res.Media.Picture, p.System().Format.Side
			if h, w := p.System().Grid[1]*side, p.System().Grid[2]*side; got.H != h || got.W != w || h != 16 {
				t.Errorf("a picture of %dx%d, want %dx%d", got.H, got.W, h, w)
			}
			if first == nil {
				first = res
			} else if !slices.Equal(first.Media.Picture.Pix, got.Pix) {
				t.Errorf("%s draws another picture", path)
			}
			back, _, err := p.Decode(res.Sample)
			if err != nil || !slices.Equal(back.Picture.Pix, got.Pix) {
				t.Error("the sample gives another picture")
			}
			if _, err := p.Generate(context.Background(), models.Request{ID: "a", Class: 10}); !errors.Is(err, system.ErrPrompt) {
				t.Errorf("class 10 of 10: %v", err)
			}
			p.Close()
		}
	})
}

// TestPublishedErrors checks which folders are refused, and why.
func TestPublishedErrors(t *testing.T) {
	several := llamaFiles()
	several["par.safetensors"] = tinySystems + "par/weights.safetensors"
	alone := map[string]string{"vq.safetensors": tinyVQ + "decoder.safetensors", "config.json": tinyVQ + "config.json"}
	for name, c := range map[string]struct {
		files map[string]string
		want  error
	}{
		"several generators": {several, models.ErrFolder},
		"a tokenizer alone":  {alone, system.ErrUnknown},
		"nothing":            {nil, system.ErrUnknown},
	} {
		if _, err := models.OpenPublished(folder(t, c.files)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := models.OpenPublished(filepath.Join(t.TempDir(), "none.pt")); !errors.Is(err, models.ErrFolder) {
		t.Errorf("no file: %v", err)
	}
	p := must(models.OpenPublished(folder(t, map[string]string{"config.json": tinySystems + "nar/config.json", "model.safetensors": tinySystems + "nar/weights.safetensors"})))(t)
	defer p.Close()
	if p.Name != "nar" || p.Tokenizer != nil || p.System.Grid != [3]int{1, 5, 5} {
		t.Errorf("%s, tokenizer %v, grid %v", p.Name, p.Tokenizer, p.System.Grid)
	}
}
