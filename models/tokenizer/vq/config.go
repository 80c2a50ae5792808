package vq

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = errkind.New("bad_model", "bad tokenizer configuration")

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

// maxConfigBytes bounds a description, which takes some hundred bytes.
const maxConfigBytes = 1 << 20

// ParseConfig reads a description from JSON and validates it. Fields that it does not
// know are passed over. Without codebook_l2_norm codes are normalised, as upstream. The
// error wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Config{CodebookL2Norm: true}
	if len(data) > maxConfigBytes {
		return Config{}, fmt.Errorf("vq.ParseConfig: %w: %d bytes, maximum %d", ErrConfig, len(data), maxConfigBytes)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("vq.ParseConfig: %w: %w", ErrConfig, err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	fail := func(what string, got, lo, hi int) error {
		return fmt.Errorf("vq.Config: %w: %s is %d, want %d to %d", ErrConfig, what, got, lo, hi)
	}
	for _, f := range []struct {
		name            string
		got, lo, hi, of int
	}{
		{"codebook_size", c.CodebookSize, 2, 1 << 20, 1},
		{"codebook_embed_dim", c.CodebookEmbedDim, 2, 1024, 2},
		{"z_channels", c.ZChannels, 2, 4096, 2},
		{"ch", c.Ch, 32, 1024, 32},
		{"the number of levels in ch_mult", len(c.ChMult), 1, 8, 1},
		{"num_res_blocks", c.NumResBlocks, 1, 16, 1},
	} {
		if f.got < f.lo || f.got > f.hi {
			return fail(f.name, f.got, f.lo, f.hi)
		}
		if f.got%f.of != 0 {
			return fmt.Errorf("vq.Config: %w: %s is %d, want a multiple of %d", ErrConfig, f.name, f.got, f.of)
		}
	}
	for _, m := range c.ChMult {
		if m < 1 || m > 16 || m*c.Ch > 4096 {
			return fmt.Errorf("vq.Config: %w: ch_mult %v of %d channels, want 1 to 16 and at most 4096 channels", ErrConfig, c.ChMult, c.Ch)
		}
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
