package models

import (
	"encoding/json"
	"fmt"

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
func open(kind, path string) (*files, error) {
	if isOwn(path) {
		return openOwn(kind, path)
	}
	return openPublished(kind, path)
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
	p, err := system.OfKind(kind)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w: no model for %q is shipped", ErrFolder, kind)
	}
	c, err := ReadConfig(path, p.Name)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.System()
	return c, s, err
}

func openOwn(kind, path string) (*files, error) {
	c, s, err := readOwn(kind, path)
	if err != nil {
		return nil, err
	}
	name, err := title(c, path)
	if err != nil {
		return nil, err
	}
	w, err := openWeights(path, c.Family, "model.safetensors")
	if err != nil {
		return nil, err
	}
	beside := func(name string) (*safetensors.File, error) { return openWeights(path, c.Family, name) }
	return &files{
		name: name, system: s, weights: nn.File(w), close: func() { _ = w.Close() }, // read only
		tokenizer: func(dev *gpu.Device) (system.Tokenizer, error) { return s.Tokenizer(dev, beside) },
	}, nil
}

// openPublished opens a checkpoint and its tokenizer, see [OpenPublished].
func openPublished(kind, path string) (*files, error) {
	p, err := OpenPublished(path)
	if err != nil {
		return nil, err
	}
	name, err := p.usable(kind, path)
	if err != nil {
		p.Close()
		return nil, err
	}
	return &files{name: name, system: p.System, weights: p.Checkpoint, tokenizer: p.openVQ, close: p.Close}, nil
}

// usable returns the name of a published model, or why it does not make a kind of media.
func (p *Published) usable(kind, path string) (string, error) {
	switch {
	case p.Kind != kind:
		return "", fmt.Errorf("models: %w: %s makes %ss, not %ss", ErrFamily, p.Title, p.Kind, kind)
	case p.Tokenizer == nil:
		return "", fmt.Errorf("models: %w: %s has no tokenizer beside it, such as vq_ds16_c2i.pt", ErrFolder, path)
	case p.VQ.CodebookSize != p.System.Token.Values:
		return "", fmt.Errorf("models: %w: the tokenizer has %d codes, the generator %d", ErrFolder, p.VQ.CodebookSize, p.System.Token.Values)
	}
	p.System.Format.Side = p.VQ.Reduction()
	id, err := p.identity()
	return p.Name + "-" + id, err
}
