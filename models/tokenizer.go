package models

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/models/cube"
)

const (
	tokenizerConfig  = "tokenizer.json"
	tokenizerWeights = "tokenizer.safetensors"
)

func writeTokenizer(dir string, c *cube.Config) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, tokenizerConfig)
	if err := os.WriteFile(path+".part", append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	return os.Rename(path+".part", path)
}

// copyTokenizer brings a trained tokenizer into a model folder.
func copyTokenizer(from, to string) (*cube.Config, error) {
	data, err := readFile(from, "cube", tokenizerConfig)
	if err != nil {
		return nil, err
	}
	var c cube.Config
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("models: %w: %s: %v", ErrFolder, filepath.Join(from, tokenizerConfig), err)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	in, err := os.Open(filepath.Join(from, tokenizerWeights))
	if err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	defer in.Close()
	path := filepath.Join(to, tokenizerWeights)
	out, err := os.Create(path + ".part")
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return nil, fmt.Errorf("models: %w", err)
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return nil, err
	}
	return &c, writeTokenizer(to, &c)
}
