package kl

import (
	"fmt"

	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of an autoencoder that no network fits.
var ErrConfig = cnn.ErrConfig

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

// ParseConfig reads a description from JSON and validates it. Fields that are not there
// are those of [Default], and those that it does not know are passed over. The error
// wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Default()
	if err := cnn.ParseConfig(data, &c); err != nil {
		return Config{}, fmt.Errorf("kl.ParseConfig: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	if err := cnn.CheckFields(
		cnn.In("z_channels", c.Z, 2, 1024, 2),
	); err != nil {
		return fmt.Errorf("kl.Config: %w", err)
	}
	if err := c.network().Check(""); err != nil {
		return fmt.Errorf("kl.Config: %w", err)
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
