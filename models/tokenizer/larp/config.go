package larp

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = errkind.New("bad_model", "bad tokenizer configuration")

// colours are the channels of a clip: red, green, blue.
const colours = 3

// CodesName is upstream's name of the table of codes. Other tokenizers do not have it.
const CodesName = "bottleneck.regularizer.embedding.weight"

// Config describes a tokenizer.
type Config struct {
	Frames, Side     int // of a clip: frames, and rows or columns
	Encoder, Decoder Stack
	Tokens           int     // q, of a clip
	Codes, CodeWidth int     // v and z, even
	Eps, FinalEps    float32 // of the blocks' norms, and of the decoder's last one

	types [len(typeNames)]bool // the embeddings that the checkpoint has
}

// Stack has the sizes of one transformer, and of the patches at its end.
type Stack struct {
	Width, Heads, Depth, Hidden int
	PatchFrames, PatchSide      int
}

// typeNames are the embeddings of what a row is: patches and queries of the encoder,
// codes and queries of the decoder.
var typeNames = [...]string{
	"encoder_patch_token_type_embed", "encoder_latent_query_token_type_embed",
	"decoder_latent_token_type_embed", "decoder_patch_query_token_type_embed",
}

// Bounds of the sizes.
const (
	MaxFrames = 1 << 10
	MaxSide   = 1 << 11
	MaxRows   = 1 << 16 // of a sequence: patches and tokens
	maxWidth  = 1 << 14
	maxCodes  = 1 << 20
)

// maxConfigBytes bounds a description, which takes some thousand bytes.
const maxConfigBytes = 1 << 20

// description has the fields of a config.json that shapes do not tell. The names are
// those of upstream's arguments.
type description struct {
	Frames       int     `json:"frame_num"`
	Side         int     `json:"input_size"`
	EncoderHeads int     `json:"encoder_num_heads"`
	DecoderHeads int     `json:"decoder_num_heads"`
	PatchFrames  int     `json:"decoder_temporal_patch_size"`
	PatchSide    int     `json:"decoder_patch_size"`
	Eps          float32 `json:"layernorm_eps"`
	FinalEps     float32 `json:"final_norm_eps"`
	Bottleneck   struct {
		Args struct {
			Norm        string `json:"norm"`
			Regularizer struct {
				Args struct {
					Unit *bool `json:"l2_normalized"`
				} `json:"args"`
			} `json:"regularizer"`
		} `json:"args"`
	} `json:"bottleneck"`
}

// Describe reads a description from a config.json, nil for none, and from the shapes of
// the tensors. What both lack is that of LARP-L-long. Errors: [ErrConfig], and
// [nn.ErrWeights] if a tensor that tells a size is missing.
func Describe(config json.RawMessage, w nn.Weights) (Config, error) {
	d := description{Frames: 16, Side: 128, EncoderHeads: 12, DecoderHeads: 12, PatchFrames: 4, PatchSide: 8, Eps: 1e-5, FinalEps: 1e-6}
	if len(config) > maxConfigBytes {
		return Config{}, fmt.Errorf("larp.Describe: %w: %d bytes, maximum %d", ErrConfig, len(config), maxConfigBytes)
	}
	if config != nil {
		if err := json.Unmarshal(config, &d); err != nil {
			return Config{}, fmt.Errorf("larp.Describe: %w: %w", ErrConfig, err)
		}
	}
	b := d.Bottleneck.Args
	if b.Norm != "" && b.Norm != "none" && b.Norm != "no" || b.Regularizer.Args.Unit != nil && !*b.Regularizer.Args.Unit {
		return Config{}, fmt.Errorf("larp.Describe: %w: codes that are not of unit length, or a norm %q before them", ErrConfig, b.Norm)
	}
	c := Config{Frames: d.Frames, Side: d.Side, Eps: d.Eps, FinalEps: d.FinalEps}
	c.Encoder.Heads, c.Decoder.Heads = d.EncoderHeads, d.DecoderHeads
	c.Decoder.PatchFrames, c.Decoder.PatchSide = d.PatchFrames, d.PatchSide
	if err := c.measure(w); err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// measure takes sizes from the shapes of tensors.
func (c *Config) measure(w nn.Weights) error {
	for _, x := range []struct {
		name string
		axes []*int // nil: any extent
	}{
		{"x_embedder.proj.weight", []*int{&c.Encoder.Width, nil, &c.Encoder.PatchFrames, &c.Encoder.PatchSide, nil}},
		{"encoder.blocks.0.mlp.fc1.weight", []*int{&c.Encoder.Hidden, nil}},
		{"encoder_latent_query_embed", []*int{&c.Tokens, nil}},
		{"final_layer.linear.weight", []*int{nil, &c.Decoder.Width}},
		{"decoder.blocks.0.mlp.fc1.weight", []*int{&c.Decoder.Hidden, nil}},
		{CodesName, []*int{&c.Codes, &c.CodeWidth}},
	} {
		shape, ok := w.Shape(x.name)
		if !ok || len(shape) != len(x.axes) {
			return fmt.Errorf("larp.Describe: %w: %s is %v, want %d axes", nn.ErrWeights, x.name, shape, len(x.axes))
		}
		for i, p := range x.axes {
			if p != nil {
				*p = shape[i]
			}
		}
	}
	c.Encoder.Depth, c.Decoder.Depth = blocks(w, "encoder"), blocks(w, "decoder")
	for i, name := range typeNames {
		_, c.types[i] = w.Shape(name)
	}
	return nil
}

// blocks counts the blocks of a transformer.
func blocks(w nn.Weights, name string) (n int) {
	for ; ; n++ {
		if _, ok := w.Shape(fmt.Sprintf("%s.blocks.%d.norm1.weight", name, n)); !ok {
			return n
		}
	}
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	if !in(c.Frames, 1, MaxFrames) || !in(c.Side, 1, MaxSide) {
		return fmt.Errorf("larp: %w: %d frames of %d by %d, at most %d of %d", ErrConfig, c.Frames, c.Side, c.Side, MaxFrames, MaxSide)
	}
	for _, s := range []Stack{c.Encoder, c.Decoder} {
		if !in(s.Width, 2, maxWidth) || !in(s.Depth, 1, 256) || !in(s.Hidden, 2, 8*maxWidth) || s.Hidden%2 != 0 || s.Heads < 1 || s.Width%(2*s.Heads) != 0 {
			return fmt.Errorf("larp: %w: width %d, %d heads, %d blocks, hidden width %d", ErrConfig, s.Width, s.Heads, s.Depth, s.Hidden)
		}
		if !in(s.PatchFrames, 1, c.Frames) || !in(s.PatchSide, 2, c.Side) || s.PatchSide%2 != 0 || c.Frames%s.PatchFrames != 0 || c.Side%s.PatchSide != 0 || s.pixels() > maxWidth {
			return fmt.Errorf("larp: %w: patches of %d frames of %d by %d, in clips of %d of %d", ErrConfig, s.PatchFrames, s.PatchSide, s.PatchSide, c.Frames, c.Side)
		}
		if !in(c.patches(s)+c.Tokens, 2, MaxRows) {
			return fmt.Errorf("larp: %w: %d patches, %d tokens, at most %d together", ErrConfig, c.patches(s), c.Tokens, MaxRows)
		}
	}
	if !in(c.Tokens, 1, MaxRows) || !in(c.Codes, 2, maxCodes) || !in(c.CodeWidth, 2, 1024) || c.CodeWidth%2 != 0 || !(c.Eps > 0) || !(c.FinalEps > 0) {
		return fmt.Errorf("larp: %w: %d tokens of %d codes of %d elements, eps %g and %g", ErrConfig, c.Tokens, c.Codes, c.CodeWidth, c.Eps, c.FinalEps)
	}
	return nil
}

// patches is the number of a stack's patches in a clip.
func (c Config) patches(s Stack) int {
	across := c.Side / s.PatchSide
	return c.Frames / s.PatchFrames * across * across
}

// pixels is the number of values of a patch.
func (s Stack) pixels() int { return colours * s.PatchFrames * s.PatchSide * s.PatchSide }

// Pixels is the number of values of a clip: frames, rows, columns and colours.
func (c Config) Pixels() int { return c.Frames * c.Side * c.Side * colours }
