package systems

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// practice describes a network that fills in masked tokens of real numbers and is to be
// trained, by the names of upstream's arguments.
type practice struct {
	Image        int     `json:"img_size"`
	Stride       int     `json:"vae_stride"`
	Latent       int     `json:"vae_embed_dim"`
	Patch        int     `json:"patch_size"`
	EncoderWidth int     `json:"encoder_embed_dim"`
	EncoderDepth int     `json:"encoder_depth"`
	DecoderWidth int     `json:"decoder_embed_dim"`
	DecoderDepth int     `json:"decoder_depth"`
	MLP          float64 `json:"mlp_ratio"`
	Classes      int     `json:"class_num"`
	Buffer       int     `json:"buffer_size"` // rows of the condition
	HeadWidth    int     `json:"diffloss_w"`
	HeadDepth    int     `json:"diffloss_d"`
	Noise        int     `json:"noise_channels"`
	Shortcut     bool    `json:"shortcut"` // FAR's head; a name of ours
	Lessons      int     `json:"diffusion_batch_mul"`
	Least        float64 `json:"mask_ratio_min"`
	Dropout      float64 `json:"label_drop_prob"`
}

// published are upstream's arguments where a description says nothing.
var published = practice{
	Patch: 1, Image: 256, Stride: 16, Latent: 16, EncoderWidth: 1024, EncoderDepth: 16, DecoderWidth: 1024, DecoderDepth: 16, MLP: 4, Classes: 1000, Buffer: 64,
	HeadWidth: 1024, HeadDepth: 3, Noise: 64, Lessons: 4, Least: 0.7, Dropout: 0.1,
}

func (c *practice) check() error {
	if !within(c.Lessons, 1, 64) || !(c.Least >= 0 && c.Least <= 1) || !(c.Dropout >= 0 && c.Dropout <= 1) || !(c.MLP > 0 && c.MLP < 64) {
		return fmt.Errorf("systems: %w: %d lessons of a token, at least %g masked, %g without class, hidden width times %g", nn.ErrConfig, c.Lessons, c.Least, c.Dropout, c.MLP)
	}
	return nil
}

// wide is the hidden width of a block.
func (c *practice) wide(width int) int { return int(c.MLP * float64(width)) }

// grid returns the side of a picture in tokens, and the numbers of a token.
func (c *practice) grid() (side, token int) {
	if c.Stride < 1 || c.Patch < 1 {
		return 0, 0
	}
	return c.Image / c.Stride / c.Patch, c.Latent * c.Patch * c.Patch
}

// count adds names of so many blocks.
func (s shapesOf) count(name string, n int) {
	for i := range min(n, 1<<10) {
		s[fmt.Sprintf(name, i)] = nil
	}
}

// lay lays out the tokens of a square picture. Metadata "class" has its class; without it
// the class is 0.
func (c *practice) lay(side, token int) func(shard.Sample) (system.Prompt, []uint32, error) {
	return func(s shard.Sample) (p system.Prompt, tokens []uint32, err error) {
		if grid := []int32{int32(side), int32(side), int32(token)}; s.Kind != shard.KindKL || !slices.Equal(s.Grid, grid) || len(s.Tokens) != side*side*token {
			return p, nil, fmt.Errorf("systems: %w: %q is %s %v with %d numbers, want %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), shard.KindKL, grid)
		}
		if p, err = classed(s); err != nil {
			return p, nil, err
		}
		tokens, err = numbers(s)
		return p, tokens, err
	}
}

// maskDeviation is the standard deviation of the share that is masked. Its mean is 1.
const maskDeviation = 0.25

// practise returns a lesson: in a random order, the first tokens are unknown.
func (c *practice) practise(m order.Masked, word func(uint32) uint32) (system.Schedule, error) {
	if m.Order == nil {
		m.Order = order.Shuffle(m.N, word)
	}
	m.Steps, m.Unknowns = 1, unknowns(m.N, c.Least, word(uint32(m.N)))
	return m.Schedule()
}

// frameLesson draws what a lesson of a clip is of: an order of n positions, a frame, and how
// many of its positions are unknown.
func frameLesson(frames, n int, least float64, word func(uint32) uint32) (positions []int32, frame, unknown int) {
	m := uint32(n)
	return order.Shuffle(n, word), int(uint64(word(m+1)) * uint64(frames) >> 32), unknowns(n, least, word(m))
}

// unknowns returns how many of n tokens are unknown in a lesson: a share that is drawn from a
// normal distribution between the least and 1.
func unknowns(n int, least float64, word uint32) int {
	u := (float64(word) + 0.5) / (1 << 32)
	share := 1 + maskDeviation*math.Sqrt2*math.Erfinv(math.Erf((least-1)/maskDeviation/math.Sqrt2)*u)
	return min(max(int(math.Ceil(share*float64(n))), 1), n)
}
