package msvq

import (
	"fmt"

	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = cnn.ErrConfig

// Config describes a tokenizer. The fields are the arguments of VAR's VQVAE.
type Config struct {
	Sides     []int   `json:"patch_nums"`         // of the scales, growing
	Codes     int     `json:"vocab_size"`         // v
	Dim       int     `json:"Cvae"`               // d, of a code and a latent; even
	Ch        int     `json:"vae_ch"`             // of the first level, a multiple of 32
	ChMult    []int   `json:"vae_ch_mult"`        // a level's channels in units of Ch, the finest level first
	ResBlocks int     `json:"vae_num_res_blocks"` // of a level; the decoder has one more
	Kernel    int     `json:"quant_conv_ks"`      // of the convolutions beside the codes: 1 or 3
	Shared    int     `json:"share_quant_resi"`   // convolutions that the scales share
	Ratio     float64 `json:"quant_resi"`         // of a convolution's result; the rest is its input
}

// Default is the published tokenizer, of pictures of 256 by 256.
func Default() Config {
	return Config{
		Sides: []int{1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, Codes: 4096, Dim: 32, Ch: 160, ChMult: []int{1, 1, 2, 2, 4}, ResBlocks: 2, Kernel: 3, Shared: 4, Ratio: 0.5,
	}
}

// ParseConfig reads a description from JSON and validates it. Fields that are not there
// are those of [Default], and those that it does not know are passed over. The error
// wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Default()
	if err := cnn.ParseConfig(data, &c); err != nil {
		return Config{}, fmt.Errorf("msvq.ParseConfig: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	if err := cnn.CheckFields(
		cnn.In("the number of scales in patch_nums", len(c.Sides), 1, 64, 1),
		cnn.In("vocab_size", c.Codes, 2, 1<<20, 1),
		cnn.In("Cvae", c.Dim, 2, 1024, 2),
		cnn.In("quant_conv_ks", c.Kernel, 1, 3, 1),
		cnn.In("share_quant_resi", c.Shared, 1, 64, 1),
	); err != nil {
		return fmt.Errorf("msvq.Config: %w", err)
	}
	for i, p := range c.Sides {
		if p < 1 || p > 256 || i > 0 && p <= c.Sides[i-1] {
			return fmt.Errorf("msvq.Config: %w: patch_nums %v, want growing sides of 1 to 256", ErrConfig, c.Sides)
		}
	}
	if err := c.network().Check("vae_"); err != nil {
		return fmt.Errorf("msvq.Config: %w", err)
	}
	if c.Kernel == 2 || !(c.Ratio >= 0 && c.Ratio <= 1) {
		return fmt.Errorf("msvq.Config: %w: quant_conv_ks %d, want 1 or 3; quant_resi %g, want 0 to 1", ErrConfig, c.Kernel, c.Ratio)
	}
	if n := c.Tokens(); n > 1<<20 {
		return fmt.Errorf("msvq.Config: %w: patch_nums %v make %d tokens", ErrConfig, c.Sides, n)
	}
	return nil
}

// Tokens is the number of tokens of all scales.
func (c Config) Tokens() (n int) {
	for _, p := range c.Sides {
		n += p * p
	}
	return n
}

// Side is the side of the last scale, and of the decoder's grid.
func (c Config) Side() int { return c.Sides[len(c.Sides)-1] }

func (c Config) network() cnn.Network {
	names := cnn.LatentDiffusion
	names.Fused = true
	return cnn.Network{Ch: c.Ch, ChMult: c.ChMult, ResBlocks: c.ResBlocks, Out: c.Dim, In: c.Dim, Names: names}
}

// Pixels is the side of a picture.
func (c Config) Pixels() int { return c.Side() * c.network().Reduction() }
