package octgpt

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/dual"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = cnn.ErrConfig

// What surfaces are made of.
const (
	Triangles = "triangles" // by marching cubes
	Quads     = "quads"     // by dual contouring
)

// Config describes a tokenizer.
type Config struct {
	Top, Code, Depth int     // levels: the first, that of the codes, and the finest
	Bits             int     // of a code, even
	Encoder          []Stage // from Depth to Code; empty: none
	Down             []Stage // of the decoder, from Code to Top
	Up               []Stage // and from Top to Depth
	Narrow           int     // what a block divides its channels by between its convolutions
	Hidden           int     // channels of the decoder's heads

	Faces      string  // of surfaces: Triangles or Quads
	Resolution int     // points a side of the grid on which a field is contoured
	Level      float64 // of the field where the surface is
}

// Stage is the blocks of a network at one level.
type Stage struct{ Channels, Blocks int }

// Bounds of the sizes.
const (
	maxChannels   = 1 << 13
	maxResolution = 512
)

// description has the fields of a config.json. The first two are upstream's, with the only
// values that there are networks for; sizes come from the shapes of tensors.
type description struct {
	Feature    string  `json:"feature"`
	Quantizer  string  `json:"quantizer_type"`
	Faces      string  `json:"faces"`
	Resolution int     `json:"resolution"`
	Level      float64 `json:"level"`
}

// Describe reads a description from a config.json, nil for none, and from the shapes of the
// tensors. Errors: [ErrConfig], and [nn.ErrWeights] if a tensor that tells a size is missing.
func Describe(config json.RawMessage, w nn.Weights) (Config, error) {
	d := description{Feature: "ND", Quantizer: "bsq", Faces: Triangles, Resolution: 256, Level: 0.002}
	if config != nil {
		if err := cnn.ParseConfig(config, &d); err != nil {
			return Config{}, fmt.Errorf("octgpt.Describe: %w", err)
		}
	}
	if d.Feature != "ND" || d.Quantizer != "bsq" {
		return Config{}, fmt.Errorf("octgpt.Describe: %w: features %q, quantizer %q; there are ND and bsq", ErrConfig, d.Feature, d.Quantizer)
	}
	c := Config{Faces: d.Faces, Resolution: d.Resolution, Level: d.Level}
	if err := c.measure(w); err != nil {
		return Config{}, fmt.Errorf("octgpt.Describe: %w", err)
	}
	return c, c.Validate()
}

// shapes reads the shapes of tensors. The first that is missing, or has other axes, is kept.
type shapes struct {
	nn.Weights

	err error
}

func (s *shapes) of(axes int, format string, args ...any) []int {
	name := fmt.Sprintf(format, args...)
	shape, ok := s.Shape(name)
	if !ok || len(shape) != axes {
		if s.err == nil {
			s.err = fmt.Errorf("%w: %s is %v, want %d axes", nn.ErrWeights, name, shape, axes)
		}
		return make([]int, axes)
	}
	return shape
}

// count is how many tensors there are of names with numbers from 0 on.
func (s *shapes) count(format string) (n int) {
	for n < 256 {
		if _, ok := s.Shape(fmt.Sprintf(format, n)); !ok {
			break
		}
		n++
	}
	return n
}

// kinds is the number of node types that a graph convolution of so many channels tells apart.
func kinds(rows, channels int) int { return rows/dual.Kinds - channels }

// measure takes sizes from the shapes of tensors.
func (c *Config) measure(w nn.Weights) error {
	s := &shapes{Weights: w}
	c.Bits = s.of(2, "post_proj.weight")[1]
	for _, x := range []struct {
		name   string
		stages *[]Stage
	}{{"encoder", &c.Down}, {"decoder", &c.Up}} {
		first := fmt.Sprintf("decoder.%s.%%d.resblks.0.convb.norm.norm.weights", x.name)
		for i := range s.count(first) {
			*x.stages = append(*x.stages, Stage{
				Channels: s.of(2, first, i)[1], Blocks: s.count(fmt.Sprintf("decoder.%s.%d.resblks.%%d.convb.conv.weights", x.name, i)),
			})
		}
	}
	if len(c.Down) == 0 || len(c.Up) == 0 {
		return fmt.Errorf("%w: no tensor is called decoder.encoder.0.* or decoder.decoder.0.*", nn.ErrWeights)
	}
	first := s.of(2, "decoder.encoder.0.resblks.0.conva.conv.weights")
	c.Narrow = c.Down[0].Channels / max(first[1], 1)
	c.Code = kinds(first[0], c.Down[0].Channels) - 1
	c.Top = c.Code - len(c.Down) + 1
	c.Depth = c.Top + len(c.Up) - 1
	c.Hidden = s.of(2, "decoder.regress.%d.conv2.linear.weight", c.Depth-c.Code)[1]
	if cnn.Has(w, encoderNames) {
		channels := s.of(3, "encoder.conv1.conv.weights")[2]
		for i := range c.Depth - c.Code + 1 {
			if i > 0 {
				channels = s.of(3, "encoder.downsample.%d.conv.weights", i-1)[2]
			}
			c.Encoder = append(c.Encoder, Stage{channels, s.count(fmt.Sprintf("encoder.blocks.%d.resblks.%%d.conv3x3b.conv.weights", i))})
		}
	}
	return s.err
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	if c.Top < 1 || c.Top > dual.MaxTop || c.Code < c.Top || c.Depth < c.Code || c.Depth > octree.MaxDepth {
		return fmt.Errorf("octgpt: %w: levels %d to %d, with codes at %d", ErrConfig, c.Top, c.Depth, c.Code)
	}
	if len(c.Down) != c.Code-c.Top+1 || len(c.Up) != c.Depth-c.Top+1 || c.Encoder != nil && len(c.Encoder) != c.Depth-c.Code+1 {
		return fmt.Errorf("octgpt: %w: %d, %d and %d stages for levels %d to %d, with codes at %d", ErrConfig, len(c.Encoder), len(c.Down), len(c.Up), c.Top, c.Depth, c.Code)
	}
	for i, s := range c.Down { // what is kept on the way down is added on the way up
		if up := c.Up[len(c.Down)-1-i]; up.Channels != s.Channels {
			return fmt.Errorf("octgpt: %w: %d channels down and %d up at level %d", ErrConfig, s.Channels, up.Channels, c.Code-i)
		}
	}
	fields := []cnn.Field{cnn.In("bits", c.Bits, 2, 32, 2), cnn.In("narrow", c.Narrow, 1, 4, 1), cnn.In("resolution", c.Resolution, 8, maxResolution, 1)}
	for _, stages := range [][]Stage{c.Encoder, c.Down, c.Up} {
		for _, s := range stages {
			fields = append(fields, cnn.In("channels", s.Channels, groupChannels*c.Narrow, maxChannels, groupChannels*max(c.Narrow, 1)), cnn.In("blocks", s.Blocks, 1, 64, 1))
		}
	}
	fields = append(fields, cnn.In("head_channel", c.Hidden, groupChannels, maxChannels, groupChannels))
	if err := cnn.CheckFields(fields...); err != nil {
		return fmt.Errorf("octgpt: %w", err)
	}
	if c.Faces != Triangles && c.Faces != Quads || math.Abs(c.Level) > 1 || math.IsNaN(c.Level) {
		return fmt.Errorf("octgpt: %w: faces %q, want %s or %s; level %g", ErrConfig, c.Faces, Triangles, Quads, c.Level)
	}
	return nil
}

// A norm's groups have so many channels or more, and there are so many groups at most.
const (
	groupChannels = 4
	mostGroups    = 32
)

// groups is the number of groups of a norm of channels.
func groups(channels int) int { return min(mostGroups, channels/groupChannels) }
