package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/cube"
	"github.com/morton-gen/morton/models/quad"
	"github.com/morton-gen/morton/models/shape"
	"github.com/morton-gen/morton/models/shipped"
	"github.com/morton-gen/morton/models/transformer"
)

// Errors a caller can branch on.
var (
	// ErrFolder reports a folder that is not a model folder.
	ErrFolder = errkind.New("bad_model", "not a model folder")
	// ErrFamily reports a model of another family than asked for.
	ErrFamily = errkind.New("bad_model", "model of another family")
)

// formatVersion is the version of config.json this package writes and reads.
const formatVersion = 1

// Config is a model folder's config.json.
type Config struct {
	Format   int                `json:"format"`
	Family   string             `json:"family"` // shard.KindCube, KindOctree or KindQuad
	Name     string             `json:"name"`
	Network  transformer.Config `json:"network"`
	Quad     *quad.Config       `json:"quad,omitempty"`
	Shape    *shape.Config      `json:"octree,omitempty"`
	Cube     *cube.Config       `json:"cube,omitempty"`
	Sampling Sampling           `json:"sampling"` // defaults of this model
	// Training says how the weights came about, for people.
	Training map[string]any `json:"training,omitempty"`
}

// Sampling says how tokens are drawn.
type Sampling struct {
	Temperature float64 `json:"temperature"`     // 0: the likeliest
	TopK        int     `json:"top_k,omitempty"` // 0: off
	TopP        float64 `json:"top_p,omitempty"` // 0 or 1: off
}

// family is what a family's own configuration does for a folder.
type family interface {
	Validate() error
	Network(transformer.Config) transformer.Config
	Sequence(shard.Sample) (*transformer.Sequence, error)
}

// part returns the configuration of the model's family.
func (c *Config) part() (family, error) {
	switch {
	case c.Family == shard.KindQuad && c.Quad != nil:
		return *c.Quad, nil
	case c.Family == shard.KindOctree && c.Shape != nil:
		return *c.Shape, nil
	case c.Family == shard.KindCube && c.Cube != nil:
		return *c.Cube, nil
	}
	return nil, fmt.Errorf("models: %w: family %q without its section", ErrFolder, c.Family)
}

// Validate returns an error wrapping [ErrFolder] or transformer.ErrConfig.
func (c *Config) Validate() error {
	if c.Format != formatVersion {
		return fmt.Errorf("models: %w: format %d, this program reads %d", ErrFolder, c.Format, formatVersion)
	}
	p, err := c.part()
	if err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return err
	}
	if err := c.Network.Validate(); err != nil {
		return err
	}
	if want := p.Network(c.Network); !reflect.DeepEqual(want, c.Network) {
		return fmt.Errorf("models: %w: the network does not fit its family: %+v, want %+v", ErrFolder, c.Network, want)
	}
	return c.Sampling.Validate()
}

// Validate returns an error wrapping [ErrFolder] for values that no sampler takes.
func (s Sampling) Validate() error {
	if !(s.Temperature >= 0 && s.Temperature <= maxTemperature) || s.TopK < 0 || !(s.TopP >= 0 && s.TopP <= 1) {
		return fmt.Errorf("models: %w: temperature %g, top-k %d, top-p %g", ErrFolder, s.Temperature, s.TopK, s.TopP)
	}
	return nil
}

// maxTemperature is the highest that a request may ask for too.
const maxTemperature = 100

// maxConfigBytes bounds config.json.
const maxConfigBytes = 1 << 20

// ReadConfig reads and checks a model folder's config.json; dir "" and a family
// name the shipped model of that family.
func ReadConfig(dir, family string) (*Config, error) {
	data, err := readFile(dir, family, "config.json")
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, filepath.Join(dir, "config.json"))
	}
	if family != "" && c.Family != family {
		return nil, fmt.Errorf("models: %w: %s is %s, want %s", ErrFamily, dir, c.Family, family)
	}
	return c, nil
}

// parseConfig reads the text of a config.json and checks it. Errors are those of
// [Config.Validate].
func parseConfig(data []byte) (*Config, error) {
	var c Config
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("models: %w: more than one JSON value", ErrFolder)
	}
	return &c, c.Validate()
}

func readFile(dir, family, name string) ([]byte, error) {
	if dir == "" {
		data, err := shipped.Files.ReadFile(family + "/" + name)
		if err != nil {
			return nil, fmt.Errorf("models: %w: no model of family %q is shipped", ErrFolder, family)
		}
		return data, nil
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err == nil && len(data) > maxConfigBytes {
		err = fmt.Errorf("%s is over %d bytes", name, maxConfigBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	return data, nil
}

// openWeights opens one of a folder's weight files.
func openWeights(dir, family, name string) (*safetensors.File, error) {
	if dir != "" {
		return safetensors.Open(filepath.Join(dir, name))
	}
	data, err := shipped.Files.ReadFile(family + "/" + name)
	if err != nil {
		return nil, fmt.Errorf("models: %w: no model of family %q is shipped", ErrFolder, family)
	}
	return safetensors.Parse(data)
}

// title is the name of a model in reports: its own and the start of its weights'
// hash.
func title(c *Config, dir string) (string, error) {
	var r io.Reader
	if dir == "" {
		data, err := shipped.Files.ReadFile(c.Family + "/model.safetensors")
		if err != nil {
			return "", fmt.Errorf("models: %w: %w", ErrFolder, err)
		}
		r = bytes.NewReader(data)
	} else {
		f, err := os.Open(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			return "", fmt.Errorf("models: %w: %w", ErrFolder, err)
		}
		defer f.Close()
		r = f
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	return c.Name + "-" + hex.EncodeToString(h.Sum(nil)[:4]), nil
}

// WriteConfig writes a model folder's config.json beside its place and renames it.
func WriteConfig(dir string, c *Config) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, "config.json"), append(data, '\n'))
}
