package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// turned are n clips of 32 by 32 pixels, of stripes that move, each in a direction of its own.
func turned(n, frames int) []byte {
	var out []byte
	for i := range n {
		sin, cos := math.Sincos(float64(i))
		for t := range frames {
			for p := range 32 * 32 {
				along := cos*float64(p%32) + sin*float64(p/32) - float64(t)/2
				for k := range 3 {
					out = append(out, uint8(128+90*math.Sin(along/3+float64(k))))
				}
			}
		}
	}
	return out
}

// TestTrainVideo trains a small model from clips to weights: a predictive tokenizer, codes in
// four sets, and words in a chain. Then it continues clips, alone and in company.
func TestTrainVideo(t *testing.T) {
	dir := t.TempDir()
	for side, n := range map[string]int{trainFolder: 12, heldOutFolder: 3} {
		if err := os.MkdirAll(filepath.Join(dir, "clips", side), 0o755); err != nil {
			t.Fatal(err)
		}
		x := safetensors.NamedTensor{Name: "clips", Tensor: safetensors.Tensor{DType: safetensors.U8, Shape: []int{n, 16, 32, 32, 3}, Data: turned(n, 16)}}
		if err := safetensors.Write(filepath.Join(dir, "clips", side, "clips.safetensors"), []safetensors.NamedTensor{x}, nil); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "tokenizer.json")
	text := `{"size": 32, "cell": [4, 8, 8], "group": [1, 4, 4], "around": true, "canvas": true, "rate": [25, 1], "tokenizer": {"bits": 64, "motion": {}}}`
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--corpus", filepath.Join(dir, "clips"), "--config", config, "--out", dir, "--tokenizer-minutes", "1", "--steps", "3", "--batch", "2",
		"--units", "1x4x4/4", "--chain", "--width", "32", "--layers", "1", "--heads", "2", "--hidden", "32", "--context", "64",
	}
	if err := trainVideo(context.Background(), args, io.Discard); err != nil {
		t.Fatal(err)
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	m, err := models.Open(dev, shard.KindCube, filepath.Join(dir, "cube"), models.Options{Slots: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	draw := func(i int) []byte {
		given := &clip.Clip{T: 16, H: 32, W: 32, Rate: clip.Rate{Num: 25, Den: 1}, Pix: turned(i+1, 16)[i*16*32*32*3:]}
		r, err := m.Generate(context.Background(), models.Request{
			ID: fmt.Sprint(i), Seed: 1, Source: system.Media{Clip: given}, Extent: system.Extent{Prefix: 8, Frames: 8},
			Sampling: &models.Sampling{Temperature: 1},
		})
		if err != nil {
			t.Error(err)
			return nil
		}
		return r.Media.Clip.Pix
	}
	together := make([][]byte, 3)
	var wait sync.WaitGroup
	for i := range together {
		wait.Go(func() { together[i] = draw(i) })
	}
	wait.Wait()
	for i, want := range together {
		if got := draw(i); !bytes.Equal(got, want) || len(got) != 16*32*32*3 && len(got) != 24*32*32*3 {
			t.Errorf("clip %d alone differs from it in company, %d bytes", i, len(got))
		}
	}
	if bytes.Equal(together[0], together[1]) {
		t.Error("different clips have equal continuations")
	}
}
