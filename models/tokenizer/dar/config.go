package dar

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = cnn.ErrConfig

// CodesName is upstream's name of the table of codes.
const CodesName = "quantize.embedding.weight"

// Bounds of the sizes.
const (
	MaxSide   = 1 << 11 // pixels of a side
	MaxTokens = 1 << 10 // rows of upstream's tables of queries
	maxWidth  = 1 << 14
	headDim   = 64 // of all attention, upstream's
	eps       = 1e-6
)

// Config describes a tokenizer. The fields with names are those of upstream's configuration;
// sizes that tensors tell come from their shapes.
type Config struct {
	Tokens    int `json:"num_all_queries"`
	Groups    int `json:"num_query_groups"`
	Each      int `json:"queries_per_step"` // tokens that a step looks at
	Steps     int `json:"num_denoising_steps"`
	Side      int `json:"sampling_resolution"`
	Diffusion struct {
		Std      float64 `json:"data_std"`
		Shift    float64 `json:"time_shift"`
		MLPHead  bool    `json:"mlp_head"`
		OneTime  bool    `json:"share_time_encoding"`
		RopeBase float64 `json:"rope_base_len"`
	} `json:"diff_decoder"`
	RopeBase float64 `json:"rope_base_len"`

	read, written   stack // the encoder, and the transformer over codes
	pixels          stack // the denoiser
	patch           int   // side of the encoder's patches
	paint           int   // side of the denoiser's
	codes, z        int
	queries, narrow int // rows and columns of the table of queries
}

// stack has the sizes of a transformer.
type stack struct{ width, depth, hidden int }

func (s stack) check(least int) error {
	if s.width < headDim || s.width > maxWidth || s.width%headDim != 0 || s.depth < least || s.depth > 256 || s.depth > 0 && (s.hidden < 2 || s.hidden > 8*maxWidth || s.hidden%2 != 0) {
		return fmt.Errorf("dar: %w: width %d, a multiple of %d, %d blocks, hidden width %d", ErrConfig, s.width, headDim, s.depth, s.hidden)
	}
	return nil
}

// maxConfigBytes bounds a description, which takes some hundred bytes.
const maxConfigBytes = 1 << 20

// Describe reads a description from a config.json, nil for none, and from the shapes of the
// tensors. What both lack is that of upstream's published tokenizer. A description may stand
// below "model", as upstream has it. Errors: [ErrConfig].
func Describe(config json.RawMessage, w nn.Weights) (Config, error) {
	c := Config{Tokens: 256, Groups: 8, Steps: 8, Side: 256, RopeBase: 10000}
	c.Diffusion.Std, c.Diffusion.Shift, c.Diffusion.RopeBase = 0.6, 2, 10000
	if len(config) > maxConfigBytes {
		return c, fmt.Errorf("dar.Describe: %w: %d bytes, maximum %d", ErrConfig, len(config), maxConfigBytes)
	}
	if config != nil {
		model := struct {
			Model json.RawMessage `json:"model"`
		}{config}
		if err := json.Unmarshal(config, &model); err != nil {
			return c, fmt.Errorf("dar.Describe: %w: %w", ErrConfig, err)
		}
		if err := json.Unmarshal(model.Model, &c); err != nil {
			return c, fmt.Errorf("dar.Describe: %w: %w", ErrConfig, err)
		}
	}
	if c.Each == 0 && c.Groups > 0 {
		c.Each = c.Tokens / c.Groups
	}
	c.measure(w)
	return c, c.Validate()
}

// measure takes sizes from the shapes of tensors.
func (c *Config) measure(w nn.Weights) {
	dim := func(name string, axis int) int {
		if shape, ok := w.Shape(name); ok && axis < len(shape) {
			return shape[axis]
		}
		return 0
	}
	blocks := func(format string) (n int) {
		for dim(fmt.Sprintf(format, n), 0) > 0 {
			n++
		}
		return n
	}
	c.read = stack{dim("patchify.weight", 0), blocks("encoder_layers.%d.norm1.weight"), dim("encoder_layers.0.mlp.fc1.weight", 0)}
	c.written = stack{dim("decoder_embedding.weight", 1), blocks("decoder_layers.%d.norm1.weight"), dim("decoder_layers.0.mlp.fc1.weight", 0)}
	c.pixels = stack{dim("diff_decoder.net.conv_in.weight", 0), blocks("diff_decoder.net.blocks.%d.adaLN_modulation.1.weight"), dim("diff_decoder.net.blocks.0.mlp.fc1.weight", 0)}
	c.patch, c.codes, c.z = dim("patchify.weight", 2), dim(CodesName, 0), dim(CodesName, 1)
	c.queries, c.narrow = dim("query_embedding.weight", 0), dim("query_embedding.weight", 1)
	for c.paint = 1; colours*c.paint*c.paint < dim("diff_decoder.net.conv_in.weight", 1); c.paint++ {
	}
}

const colours = cnn.Colours

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	for i, s := range []stack{c.read, c.written, c.pixels} {
		if err := s.check([]int{1, 0, 1}[i]); err != nil {
			return err
		}
	}
	d := c.Diffusion
	switch {
	case !in(c.Side, 2, MaxSide) || !in(c.patch, 2, c.Side) || c.Side%c.patch != 0 || !in(c.paint, 2, c.Side) || c.Side%c.paint != 0 || c.patch%2 != 0 || c.paint%2 != 0:
		return fmt.Errorf("dar: %w: patches of %d and %d in pictures of %d", ErrConfig, c.patch, c.paint, c.Side)
	case !in(c.queries, 1, MaxTokens) || !in(c.Tokens, 1, c.queries) || !in(c.Groups, 1, c.Tokens) || !in(c.Each, 1, c.Tokens) || !in(c.Steps, 1, 1000):
		return fmt.Errorf("dar: %w: %d of %d tokens in %d groups, %d for each of %d steps", ErrConfig, c.Tokens, c.queries, c.Groups, c.Each, c.Steps)
	case !in(c.codes, 2, 1<<20) || !in(c.z, 2, 1024) || c.z%2 != 0 || !in(c.narrow, 2, maxWidth) || c.narrow%2 != 0:
		return fmt.Errorf("dar: %w: %d codes of %d elements, queries of %d", ErrConfig, c.codes, c.z, c.narrow)
	case !(d.Std > 0 && d.Std < 1e6) || !(d.Shift > 0 && d.Shift < 1e6) || !(c.RopeBase > 1) || !(d.RopeBase > 1) || d.MLPHead || d.OneTime:
		return fmt.Errorf("dar: %w: deviation %g, shift %g, bases %g and %g, or a denoiser of another form", ErrConfig, d.Std, d.Shift, c.RopeBase, d.RopeBase)
	}
	return nil
}

// across is the number of patches of a side.
func (c Config) across(patch int) int { return c.Side / patch }

// Pixels is the number of values of a picture.
func (c Config) Pixels() int { return c.Side * c.Side * colours }

// times are those of the steps, and 1 behind them.
func (c Config) times() (out []float64) {
	for i := range c.Steps + 1 {
		t := float64(i) / float64(c.Steps)
		out = append(out, t/(t+c.Diffusion.Shift*(1-t)))
	}
	return out
}

// group returns the first token that a step looks at.
func (c Config) group(step int) int {
	first := (2*step*c.Groups + c.Steps) / (2 * c.Steps) // rounded to a group, halves up
	return min(first*c.Tokens/c.Groups, c.Tokens-c.Each)
}
