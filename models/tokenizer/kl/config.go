package kl

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of an autoencoder that no network fits.
var ErrConfig = errkind.New("bad_model", "bad tokenizer configuration")

// Config describes an autoencoder. The fields are upstream's arguments.
type Config struct {
	Z         int     `json:"z_channels"`     // z; even
	Ch        int     `json:"ch"`             // of the first level, a multiple of 32
	ChMult    []int   `json:"ch_mult"`        // a level's channels in units of Ch, the finest level first
	ResBlocks int     `json:"num_res_blocks"` // of a level; the decoder has one more
	Scale     float64 `json:"scale_factor"`   // by which latents are multiplied for a generator
}

// Default is the published autoencoder, KL-16.
func Default() Config {
	return Config{Z: 16, Ch: 128, ChMult: []int{1, 1, 2, 2, 4}, ResBlocks: 2, Scale: 0.2325}
}

// maxConfigBytes bounds a description, which takes some hundred bytes.
const maxConfigBytes = 1 << 20

// ParseConfig reads a description from JSON and validates it. Fields that are not there
// are those of [Default], and those that it does not know are passed over. The error
// wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Default()
	if len(data) > maxConfigBytes {
		return Config{}, fmt.Errorf("kl.ParseConfig: %w: %d bytes, maximum %d", ErrConfig, len(data), maxConfigBytes)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("kl.ParseConfig: %w: %w", ErrConfig, err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	for _, f := range []struct {
		name            string
		got, lo, hi, of int
	}{
		{"z_channels", c.Z, 2, 1024, 2},
		{"ch", c.Ch, 32, 1024, 32},
		{"the number of levels in ch_mult", len(c.ChMult), 1, 8, 1},
		{"num_res_blocks", c.ResBlocks, 1, 16, 1},
	} {
		if f.got < f.lo || f.got > f.hi || f.got%f.of != 0 {
			return fmt.Errorf("kl.Config: %w: %s is %d, want %d to %d and a multiple of %d", ErrConfig, f.name, f.got, f.lo, f.hi, f.of)
		}
	}
	for _, m := range c.ChMult {
		if m < 1 || m > 16 || m*c.Ch > 4096 {
			return fmt.Errorf("kl.Config: %w: ch_mult %v of %d channels, want 1 to 16 and at most 4096 channels", ErrConfig, c.ChMult, c.Ch)
		}
	}
	if !(c.Scale >= 1e-6 && c.Scale <= 1e6) {
		return fmt.Errorf("kl.Config: %w: scale_factor %g", ErrConfig, c.Scale)
	}
	return nil
}

// Reduction is the side in pixels of what one latent stands for.
func (c Config) Reduction() int { return c.network().Reduction() }

func (c Config) network() cnn.Network {
	return cnn.Network{Ch: c.Ch, ChMult: c.ChMult, ResBlocks: c.ResBlocks, Out: 2 * c.Z, In: c.Z, Names: cnn.LatentDiffusion, Plain: true}
}
