package vq

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = cnn.ErrConfig

// Config describes a tokenizer. The fields are those of LlamaGen's ModelArgs.
type Config struct {
	CodebookSize     int   `json:"codebook_size"`      // v, codes
	CodebookEmbedDim int   `json:"codebook_embed_dim"` // d, of a code; even
	ZChannels        int   `json:"z_channels"`         // between the networks and the codes; even
	Ch               int   `json:"ch"`                 // of the first level, a multiple of 32
	ChMult           []int `json:"ch_mult"`            // a level's channels in units of Ch, the finest level first
	NumResBlocks     int   `json:"num_res_blocks"`     // of a level; the decoder has one more
	CodebookL2Norm   bool  `json:"codebook_l2_norm"`   // codes are compared and read on the unit sphere
}

// presets are the published tokenizers.
var presets = map[string]Config{
	"VQ-8":  {CodebookSize: 16384, CodebookEmbedDim: 8, ZChannels: 256, Ch: 128, ChMult: []int{1, 2, 2, 4}, NumResBlocks: 2, CodebookL2Norm: true},
	"VQ-16": {CodebookSize: 16384, CodebookEmbedDim: 8, ZChannels: 256, Ch: 128, ChMult: []int{1, 1, 2, 2, 4}, NumResBlocks: 2, CodebookL2Norm: true},
}

// Preset returns a published tokenizer: "VQ-8" or "VQ-16", which make one token of 8
// by 8 or 16 by 16 pixels. The error wraps [ErrConfig].
func Preset(name string) (Config, error) {
	c, ok := presets[name]
	if !ok {
		return Config{}, fmt.Errorf("vq.Preset: %w: %q is not VQ-8 or VQ-16", ErrConfig, name)
	}
	c.ChMult = slices.Clone(c.ChMult)
	return c, nil
}

// ParseConfig reads a description from JSON and validates it. Fields that it does not
// know are passed over. Without codebook_l2_norm codes are normalised, as upstream. The
// error wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Config{CodebookL2Norm: true}
	if err := cnn.ParseConfig(data, &c); err != nil {
		return Config{}, fmt.Errorf("vq.ParseConfig: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	if err := cnn.CheckFields(
		cnn.In("codebook_size", c.CodebookSize, 2, 1<<20, 1),
		cnn.In("codebook_embed_dim", c.CodebookEmbedDim, 2, 1024, 2),
		cnn.In("z_channels", c.ZChannels, 2, 4096, 2),
	); err != nil {
		return fmt.Errorf("vq.Config: %w", err)
	}
	if err := c.network().Check(""); err != nil {
		return fmt.Errorf("vq.Config: %w", err)
	}
	return nil
}

// network describes the two convolutional networks.
func (c Config) network() cnn.Network {
	return cnn.Network{Ch: c.Ch, ChMult: c.ChMult, ResBlocks: c.NumResBlocks, Out: c.ZChannels, In: c.ZChannels, Names: cnn.LlamaGen}
}

// Reduction is the side in pixels of what one token stands for: 2 to the number of
// levels less one.
func (c Config) Reduction() int { return c.network().Reduction() }
