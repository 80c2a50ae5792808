package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/internal/strictjson"
	"github.com/morton-gen/morton/models/shipped"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
)

// Errors a caller can branch on.
var (
	// ErrFolder reports a folder or file that is no model, or one that cannot be used.
	ErrFolder = errkind.New("bad_model", "not a usable model")
	// ErrFamily reports a model of another family than asked for.
	ErrFamily = errkind.New("bad_model", "model of another kind")
)

// formatVersion is the version of config.json this package writes and reads.
const formatVersion = 1

// Config is the config.json of a model folder of Morton's own systems.
type Config struct {
	Format int    `json:"format"`
	Family string `json:"family"` // name of the system: cube, octree or quad
	Name   string `json:"name"`
	systems.Sections
	Sampling Sampling `json:"sampling"` // defaults of this model
	// Training says how the weights came about, for people.
	Training map[string]any `json:"training,omitempty"`
}

// Sampling says how tokens are drawn.
type Sampling struct {
	Temperature float64 `json:"temperature"`     // 0: the likeliest
	TopK        int     `json:"top_k,omitempty"` // 0: off
	TopP        float64 `json:"top_p,omitempty"` // 0 or 1: off
	// Guidance is the scale of classifier-free guidance where a class is asked for; up to 1 is
	// none.
	Guidance float64 `json:"guidance,omitempty"`
}

// Validate returns an error wrapping [ErrFolder] or nn.ErrConfig.
func (c *Config) Validate() error {
	if c.Format != formatVersion {
		return fmt.Errorf("models: %w: format %d, this program reads %d", ErrFolder, c.Format, formatVersion)
	}
	if _, err := system.ByName(c.Family); err != nil {
		return fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	if _, err := c.System(); err != nil {
		return err
	}
	return c.Sampling.Validate()
}

// System makes the system that the configuration describes, with its own defaults. The
// error wraps nn.ErrConfig.
func (c *Config) System() (*system.System, error) {
	s, err := c.Open(c.Family)
	if err != nil {
		return nil, err
	}
	s.Default = system.Sampling{Temperature: c.Sampling.Temperature, TopK: c.Sampling.TopK, TopP: c.Sampling.TopP, Guidance: c.Sampling.Guidance}
	return s, nil
}

// Validate returns an error wrapping [ErrFolder] for values that no sampler takes.
func (s Sampling) Validate() error {
	if !(s.Temperature >= 0 && s.Temperature <= maxTemperature) || s.TopK < 0 || !(s.TopP >= 0 && s.TopP <= 1) || !(s.Guidance >= 0 && s.Guidance <= maxGuidance) {
		return fmt.Errorf("models: %w: temperature %g, top-k %d, top-p %g, guidance %g", ErrFolder, s.Temperature, s.TopK, s.TopP, s.Guidance)
	}
	return nil
}

// The highest that a request may ask for too.
const (
	maxTemperature = 100
	maxGuidance    = 1000
)

// maxConfigBytes bounds config.json.
const maxConfigBytes = 1 << 20

// ReadConfig reads and checks a model folder's config.json; dir "" and a family
// name the shipped model of that system. Family "" takes any.
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
	if err := strictjson.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
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
	open := func() (fs.File, error) { return os.Open(filepath.Join(dir, "model.safetensors")) }
	if dir == "" {
		open = func() (fs.File, error) { return shipped.Files.Open(c.Family + "/model.safetensors") }
	}
	f, err := open()
	if err != nil {
		return "", fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
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
