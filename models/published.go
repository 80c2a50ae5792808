package models

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	_ "github.com/morton-gen/morton/models/systems" // registers the systems
	"github.com/morton-gen/morton/models/tokenizer/vq"
)

// Published is a checkpoint of a published system, with the tokenizer beside it. Nothing
// of it is on a device yet.
type Published struct {
	system.Published
	Checkpoint *checkpoint.Checkpoint
	Tokenizer  *checkpoint.Checkpoint // nil if none is beside it
	VQ         vq.Config              // of the tokenizer
	System     *system.System
}

// OpenPublished opens the checkpoint at path, a file or a folder, and finds out which
// system it is. In a folder of several files it tells the generator from the tokenizer by
// the names of their tensors; beside a file it looks for a tokenizer too, and in the folder
// tokenizer. Errors wrap [ErrFolder], [system.ErrUnknown], nn.ErrConfig, nn.ErrWeights, or
// are those of package checkpoint.
func OpenPublished(path string) (*Published, error) {
	p := &Published{}
	if err := p.open(path); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Published) open(path string) error {
	generators, tokenizers, err := candidates(path)
	if err != nil {
		return err
	}
	taken, err := p.openGenerator(path, generators)
	if err != nil {
		return err
	}
	config := p.Checkpoint.Config()
	if config == nil {
		if config, err = readBeside(path, "config.json"); err != nil {
			return err
		}
	}
	if p.System, err = p.Published.Open(config, p.Checkpoint); err != nil {
		return err
	}
	if missing := p.System.Params.Missing(p.Checkpoint); len(missing) > 0 {
		return fmt.Errorf("models: %w: %s lacks %d tensors of %s, such as %s", nn.ErrWeights, path, len(missing), p.Title, missing[0])
	}
	p.openTokenizer(tokenizers, taken)
	return p.describe(path)
}

// openGenerator opens the one checkpoint of a known system among some, and returns its
// path.
func (p *Published) openGenerator(path string, among []string) (taken string, err error) {
	for _, f := range among {
		c, err := checkpoint.Open(f)
		if err != nil {
			if len(among) == 1 {
				return "", err
			}
			continue // a file of the folder that is no checkpoint
		}
		found, err := system.Detect(c)
		switch {
		case err != nil:
			c.Close()
			if len(among) == 1 {
				return "", fmt.Errorf("%w: %s", err, f)
			}
		case p.Checkpoint != nil:
			c.Close()
			return "", fmt.Errorf("models: %w: %s and %s are generators; name the file of one", ErrFolder, taken, f)
		default:
			p.Checkpoint, p.Published, taken = c, found, f
		}
	}
	if p.Checkpoint == nil {
		return "", fmt.Errorf("models: %w: %s", system.ErrUnknown, path)
	}
	return taken, nil
}

// openTokenizer opens the first tokenizer among some files, if there is one.
func (p *Published) openTokenizer(among []string, taken string) {
	for _, f := range among {
		if f == taken {
			continue
		}
		c, err := checkpoint.Open(f)
		if err != nil {
			continue // whatever else lies there
		}
		if isVQ(c) {
			p.Tokenizer = c
			return
		}
		c.Close()
	}
}

// describe finds the description of the tokenizer: that beside it, or the published one
// with as many levels.
func (p *Published) describe(path string) (err error) {
	if p.Tokenizer == nil {
		return nil
	}
	data := p.Tokenizer.Config()
	if data == nil {
		if data, err = readBeside(path, tokenizerConfig); err != nil {
			return err
		}
	}
	if data != nil {
		p.VQ, err = vq.ParseConfig(data)
		return err
	}
	name := "VQ-8"
	if _, ok := p.Tokenizer.Shape("decoder.conv_blocks.4.res.0.conv1.weight"); ok {
		name = "VQ-16"
	}
	p.VQ, err = vq.Preset(name)
	return err
}

// Close closes the files.
func (p *Published) Close() {
	for _, c := range []*checkpoint.Checkpoint{p.Checkpoint, p.Tokenizer} {
		if c != nil {
			_ = c.Close() // read only
		}
	}
}

// isVQ tells a tokenizer with a code book by its names.
func isVQ(w nn.Weights) bool {
	_, ok := w.Shape("quantize.embedding.weight")
	return ok
}

// candidates lists what may be the generator, and what may be its tokenizer: the path
// itself or the files in it, and the files beside it and those of its folder tokenizer.
func candidates(path string) (generators, tokenizers []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	dir := path
	if !info.IsDir() {
		dir = filepath.Dir(path)
	}
	names, err := checkpoint.List(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		tokenizers = append(tokenizers, filepath.Join(dir, n))
	}
	if sub := filepath.Join(dir, "tokenizer"); isFolder(sub) {
		tokenizers = append(tokenizers, sub)
	}
	if c, err := checkpoint.Open(path); err == nil || !info.IsDir() {
		if err == nil {
			_ = c.Close() // read only
		}
		return []string{path}, tokenizers, nil
	}
	for _, n := range names {
		generators = append(generators, filepath.Join(dir, n))
	}
	return generators, tokenizers, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readBeside reads a small file of path's folder, or beside it; nil if there is none.
func readBeside(path, name string) (json.RawMessage, error) {
	dir := path
	if !isFolder(path) {
		dir = filepath.Dir(path)
	}
	data, err := readFile(dir, "", name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// identity is a short hash of a checkpoint: of its tensors' names and shapes, and of the
// elements of its smallest ones, which training changes too. The whole of a checkpoint may
// be gigabytes.
func identity(c *checkpoint.Checkpoint) (string, error) {
	h := sha256.New()
	names := c.Names()
	elems := map[string]int{}
	for _, n := range names {
		shape, _ := c.Shape(n)
		elems[n] = 1
		for _, d := range shape {
			elems[n] *= d
		}
		fmt.Fprintf(h, "%s %v\n", n, shape)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		if d := elems[a] - elems[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, n := range names[:min(len(names), 16)] {
		x, err := c.Floats(n)
		if err != nil {
			return "", err
		}
		_ = binary.Write(h, binary.LittleEndian, x) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:4]), nil
}
