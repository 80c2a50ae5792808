package transformer

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/sampler"
	"github.com/morton-gen/morton/models/system"
)

// ErrConfig reports a network description that cannot be built.
var ErrConfig = nn.ErrConfig

// Config describes a network; it is part of a model folder's config.json.
type Config struct {
	Width  int `json:"width"`  // d
	Layers int `json:"layers"` // l
	Heads  int `json:"heads"`  // h, of width/heads each
	Hidden int `json:"hidden"` // f
	// RopePairs gives every axis of a position its share of the head width, in pairs.
	RopePairs []int   `json:"rope_pairs"`
	RopeTheta float64 `json:"rope_theta"`

	Static     int `json:"static"`      // k static ids a position
	StaticRows int `json:"static_rows"` // embedding rows they index
	Fed        int `json:"fed"`         // earlier tokens a position is fed
	Sub        int `json:"sub"`         // s sub-tokens a token, each of Vocab values
	Vocab      int `json:"vocab"`       // v; 0 for binary codes
	Bits       int `json:"bits"`        // bits of a binary code; 0 for softmax tokens
	Context    int `json:"context"`     // positions the network sees at most
	Length     int `json:"length"`      // positions a sequence has at most
	Group      int `json:"group"`       // positions predicted together
	// Faces, if its Levels are not 0, keeps what is drawn to the rules of face
	// sequences.
	Faces FaceRules `json:"faces,omitzero"`
}

// FaceRules are those of gpu/ops/grammar's Faces.
type FaceRules struct {
	Levels int `json:"levels"` // ids of a coordinate; two tokens more are the vocabulary
	Start  int `json:"start"`  // position of the first face
}

// Validate returns an error wrapping [ErrConfig], or nil. It bounds every extent,
// so that a hostile config.json cannot ask for absurd memory.
func (c *Config) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("transformer.Config: %w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	switch {
	case !in(c.Width, 8, 1<<14) || c.Width%2 != 0 || !in(c.Layers, 1, 256) || !in(c.Hidden, 2, 1<<16) || c.Hidden%2 != 0:
		return bad("width %d, layers %d, hidden %d", c.Width, c.Layers, c.Hidden)
	case c.Heads < 1 || c.Width%c.Heads != 0 || c.Width/c.Heads%2 != 0:
		return bad("%d heads for width %d", c.Heads, c.Width)
	case !in(c.Static, 0, 64) || !in(c.StaticRows, 1, 1<<20) || !in(c.Fed, 0, 8) || !in(c.Context, 1, 1<<20) || !in(c.Length, c.Context, 1<<22) || !in(c.Group, 1, 64):
		return bad("static %d of %d rows, fed %d, context %d, length %d, group %d", c.Static, c.StaticRows, c.Fed, c.Context, c.Length, c.Group)
	case (c.Bits > 0) == (c.Vocab > 0):
		return bad("either bits or a vocabulary: bits %d, vocabulary %d", c.Bits, c.Vocab)
	case c.Bits > 0 && (!in(c.Bits, 2, 1024) || c.Bits%2 != 0) || c.Vocab > 0 && (!in(c.Vocab, 2, 1<<17) || !in(c.Sub, 1, 16) || c.Vocab*c.Sub%2 != 0):
		return bad("bits %d, vocabulary %d, sub-tokens %d", c.Bits, c.Vocab, c.Sub)
	}
	if f := c.Faces; f != (FaceRules{}) && (!in(f.Levels, 2, 1<<14) || !in(f.Start, 0, c.Length-1) || c.Bits > 0 || c.Sub != 1 || c.Group != 1 || c.Vocab != (f.Levels+3)&^1) {
		return bad("rules of faces with %d levels from %d on, for vocabulary %d, sub-tokens %d, group %d", f.Levels, f.Start, c.Vocab, c.Sub, c.Group)
	}
	pairs := 0
	for _, p := range c.RopePairs {
		if p < 0 || p > c.Width { // so that no sum of them overflows
			return bad("rope pairs %v", c.RopePairs)
		}
		pairs += p
	}
	if len(c.RopePairs) < 1 || len(c.RopePairs) > 4 || pairs != c.HeadDim()/2 || !(c.RopeTheta >= 1) || math.IsInf(c.RopeTheta, 0) {
		return bad("rope pairs %v, theta %g for head width %d", c.RopePairs, c.RopeTheta, c.HeadDim())
	}
	return nil
}

// HeadDim returns dh.
func (c *Config) HeadDim() int { return c.Width / c.Heads }

// Words returns the 32-bit words of a token: its sub-tokens, or its code's words.
func (c *Config) Words() int {
	if c.Bits > 0 {
		return (c.Bits + 31) / 32
	}
	return c.Sub
}

// Outputs returns the width of the head: s·v logits, or one a bit.
func (c *Config) Outputs() int {
	if c.Bits > 0 {
		return c.Bits
	}
	return c.Sub * c.Vocab
}

// Layout returns the extents of the network's rows.
func (c *Config) Layout() system.Layout {
	return system.Layout{Fixed: c.Static, Fed: c.Fed, Axes: len(c.RopePairs), Base: c.StaticRows, Context: c.Context, Length: c.Length, Group: c.Group}
}

// Token returns what a position holds.
func (c *Config) Token() system.Token {
	if c.Bits > 0 {
		return system.Token{Bits: c.Bits}
	}
	return system.Token{Sub: c.Sub, Values: c.Vocab}
}

// skipStart is the first weight of the skip, a linear map from fed codes to logits. It
// joins a bit's logit to the same bit of the first code that the position is fed. So
// training starts where a bigram table would end, and the blocks learn the rest. The
// table has 66.8 nats a code; a network without the skip has 68.0 after 210 steps.
const skipStart = 2

// System returns the network as a system, without a schedule. The configuration is
// valid.
func (c *Config) System() *system.System {
	p := nn.NewParams()
	s := &system.System{Params: p.List(), Token: c.Token(), Layout: c.Layout()}
	const std = 0.02
	rope := &nn.Rope{Pairs: c.RopePairs, Theta: c.RopeTheta}
	table := p.Table(c.Width, nn.Init{Std: std}, nn.Part{Name: "embed.weight", Rows: max(s.Dims(1).TableRows(), 1)})
	in := input.Fed{Table: table}
	before := p.RMS(c.Width, normEps, "norm.weight")
	out := head.Linear{Out: p.Matrix(c.Outputs(), c.Width, nn.Init{Std: std}, "head.weight").After(before), Bias: p.Vector(c.Outputs(), 0, "head.bias")}
	if c.Bits > 0 && c.Fed > 0 {
		in.Codes = p.Matrix(c.Width, c.Fed*c.Bits, nn.Init{Std: 4 * std}, "code.weight")
		out.Skip = p.Matrix(c.Bits, c.Fed*c.Bits, nn.Init{Diagonal: skipStart}, "skip.weight")
		out.SkipScale = float32(math.Sqrt(float64(c.Bits))) // makes codes, which have unit length, ±1
	}
	var blocks nn.Stack
	for i := range c.Layers {
		blocks = append(blocks, NewBlock(p.In("layers.%d.", i), BlockSize{
			Width: c.Width, Heads: c.Heads, Hidden: c.Hidden, Rope: rope, Std: std, Deep: std / math.Sqrt(2*float64(c.Layers)), // as GPT-2
		}))
	}
	s.Input, s.Trunk, s.Head = in, blocks, head.Softmax{Linear: out, Sub: c.Sub}
	if c.Bits > 0 {
		s.Head = head.Bits{Linear: out}
	}
	if c.Faces.Levels > 0 {
		s.Rule = sampler.Faces{Levels: c.Faces.Levels, Start: c.Faces.Start}
	}
	return s
}

// dims are the extents of the rows.
func (c *Config) dims() step.Dims {
	s := system.System{Token: c.Token(), Layout: c.Layout()}
	return s.Dims(1)
}
