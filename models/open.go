package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// files are what a model is loaded from.
type files struct {
	name      string
	system    *system.System
	weights   nn.Weights
	tokenizer func(*gpu.Device) (system.Tokenizer, error)
	close     func()
}

// open opens the files of a model that makes a kind of media.
func open(kind, path string, o Options) (*files, error) {
	if isOwn(path) {
		return openOwn(kind, path, o)
	}
	if p, config := described(kind, path); o.TokenizerOnly && config != "" {
		return openDescribed(p, config)
	}
	return openPublished(kind, path)
}

// described returns the system of a model that is not trained yet, and the path of its description: a
// file, or a folder's config.json without weights. It is "" elsewhere, and for a kind of media whose
// tokenizers have weights.
func described(kind, path string) (p system.Published, config string) {
	all := system.All()
	i := slices.IndexFunc(all, func(p system.Published) bool { return !p.Own && p.Trains && p.Kind == kind && p.Samples != "" })
	if i < 0 {
		return p, ""
	}
	if !isFolder(path) {
		if filepath.Ext(path) != ".json" {
			return p, ""
		}
		return all[i], path
	}
	weights, err := list(path)
	config = filepath.Join(path, "config.json")
	if _, missing := os.Stat(config); err != nil || missing != nil || len(weights) > 0 {
		return p, ""
	}
	return all[i], config
}

// openDescribed opens the tokenizer of a description.
func openDescribed(p system.Published, path string) (*files, error) {
	config, err := readFile(filepath.Dir(path), "", filepath.Base(path))
	if err != nil {
		return nil, err
	}
	s, err := p.Open(config, nil)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(compact(config))
	return &files{
		name: p.Name + "-" + hex.EncodeToString(hash[:4]), system: s, close: func() {},
		tokenizer: func(dev *gpu.Device) (system.Tokenizer, error) { return s.Tokenizer(dev, nil) },
	}, nil
}

// isOwn tells the folder of one of Morton's own systems by its config.json; "" is a
// shipped one.
func isOwn(path string) bool {
	if path == "" {
		return true
	}
	data, err := readFile(path, "", "config.json")
	var c struct{ Family string }
	return err == nil && json.Unmarshal(data, &c) == nil && c.Family != ""
}

// readOwn reads the configuration of one of Morton's own models.
func readOwn(kind, path string) (*Config, *system.System, error) {
	want := kind
	if p, err := system.OfKind(kind); err == nil {
		want = p.Name
	} else if path == "" {
		return nil, nil, fmt.Errorf("models: %w: no model for %q is shipped", ErrFolder, kind)
	}
	c, err := ReadConfig(path, want)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.System()
	return c, s, err
}

func openOwn(kind, path string, o Options) (*files, error) {
	c, s, err := readOwn(kind, path)
	if err != nil {
		return nil, err
	}
	name, err := title(c, path)
	if err != nil {
		return nil, err
	}
	beside := func(name string) (*safetensors.File, error) { return openWeights(path, c.Family, name) }
	f := &files{
		name: name, system: s, close: func() {},
		tokenizer: func(dev *gpu.Device) (system.Tokenizer, error) { return s.Tokenizer(dev, beside) },
	}
	if o.TokenizerOnly {
		return f, nil
	}
	w, err := beside("model.safetensors")
	if err != nil {
		return nil, err
	}
	if s.Prepare != nil {
		if err := s.Prepare(beside); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	f.weights, f.close = nn.File(w), func() { _ = w.Close() } // read only
	return f, nil
}

// openPublished opens a checkpoint and its tokenizer, see [OpenPublished].
func openPublished(kind, path string) (*files, error) {
	p, err := OpenPublished(path)
	if err != nil {
		return nil, err
	}
	if p.Kind != kind {
		err = fmt.Errorf("models: %w: %s is for %s, not for %s", ErrFamily, p.Title, p.Kind, kind)
	} else if why := p.Usable(); why != nil {
		err = fmt.Errorf("models: %w: %s: %w", ErrFolder, path, why)
	}
	var id string
	if err == nil {
		id, err = p.identity()
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	load := func(dev *gpu.Device) (system.Tokenizer, error) {
		if p.Tokenizer == nil {
			return p.System.Tokenizer(dev, nil)
		}
		return p.Description.Load(dev, p.Tokenizer, p.System)
	}
	return &files{name: p.Name + "-" + id, system: p.System, weights: p.Weights(), tokenizer: load, close: p.Close}, nil
}

// Usable returns why the checkpoint cannot generate media, in a person's words, or nil. It
// sets the format of the system's media.
func (p *Published) Usable() (why error) {
	switch {
	case p.Tokenizer == nil && p.System.Tokenizer != nil:
		return nil // it does without
	case p.Tokenizer == nil && !system.HasCodec(p.Kind):
		return fmt.Errorf("this build opens it, and no command generates %s with it yet", p.Kind)
	case p.Tokenizer == nil:
		return fmt.Errorf("it has no tokenizer beside it%s", example[p.Kind])
	case p.Description == nil:
		return errors.New("its tokenizer cannot be described")
	}
	if p.System.Format, why = p.Description.Fit(p.System); why != nil && !p.described {
		return fmt.Errorf("%w: without a %s beside it, it is taken for a published one", why, tokenizerConfig)
	}
	return why
}

// example names a published tokenizer of a kind of media.
var example = map[string]string{system.Image: ", such as vq_ds16_c2i.pt"}
