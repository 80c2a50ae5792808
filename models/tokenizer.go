package models

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/models/tokenizer/cube"
)

const (
	tokenizerConfig  = "tokenizer.json"
	tokenizerWeights = "tokenizer.safetensors"
	canvasWeights    = "canvas.safetensors"
	shippedClips     = "cube" // shipped folder with a tokenizer of clips
)

func writeTokenizer(dir string, c cube.Config) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, tokenizerConfig), append(data, '\n'))
}

// OpenTokenizer opens the video tokenizer of a folder that TrainTokenizer or
// Train wrote; dir "" is the shipped model's.
func OpenTokenizer(dev *gpu.Device, dir string) (*cube.Coder, cube.Config, error) {
	c, err := readTokenizer(dir)
	if err != nil {
		return nil, cube.Config{}, err
	}
	w, err := openWeights(dir, shippedClips, tokenizerWeights)
	if err != nil {
		return nil, cube.Config{}, err
	}
	defer w.Close()
	k, err := cube.NewCoder(dev, *c, w)
	return k, *c, err
}

func readTokenizer(dir string) (*cube.Config, error) {
	data, err := readFile(dir, shippedClips, tokenizerConfig)
	if err != nil {
		return nil, err
	}
	var c cube.Config
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("models: %w: %s: %v", ErrFolder, filepath.Join(dir, tokenizerConfig), err)
	}
	return &c, c.Validate()
}

// copyTokenizer brings a trained tokenizer into a model folder, with other units if there
// are some.
func copyTokenizer(from, to string, units *cube.Units) (*cube.Config, error) {
	c, err := readTokenizer(from)
	if err != nil {
		return nil, err
	}
	if units != nil {
		other := c.With(*units)
		if c = &other; other.Validate() != nil {
			return nil, other.Validate()
		}
	}
	weights, err := os.ReadFile(filepath.Join(from, tokenizerWeights))
	if err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	if err := atomicfile.WriteFile(filepath.Join(to, tokenizerWeights), weights); err != nil {
		return nil, err
	}
	if c.Canvas && c.Tokenizer.Motion == nil {
		if weights, err = os.ReadFile(filepath.Join(from, canvasWeights)); err != nil {
			return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
		}
		if err := atomicfile.WriteFile(filepath.Join(to, canvasWeights), weights); err != nil {
			return nil, err
		}
	}
	return c, writeTokenizer(to, *c)
}
