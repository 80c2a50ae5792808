package systems

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
)

// Sections are what Morton's own systems read of a model folder's config.json: the
// network, and the section of the folder's system.
type Sections struct {
	Network Decoder        `json:"network"`
	Quad    *faces.Config  `json:"quad,omitempty"`
	Octree  *octree.Config `json:"octree,omitempty"`
	Cube    *cube.Config   `json:"cube,omitempty"`
}

// own is one of Morton's own systems, by its section.
type own interface {
	Validate() error
	// network fills in what the system decides of its network.
	network(Decoder) Decoder
	// parts sets what is not the network's: schedule, rule, samples and tokenizer.
	parts(*system.System, Decoder)
}

// ownSystems finds the section of a system by its name. The section is nil if it is
// missing.
var ownSystems = map[string]func(*Sections) own{}

// registerOwn registers one of Morton's own systems, whose weights are shipped.
func registerOwn(p system.Published, section func(*Sections) own) {
	ownSystems[p.Name] = section
	p.Own = true
	p.Open = func(config json.RawMessage, _ nn.Weights) (*system.System, error) {
		var s Sections
		if err := json.Unmarshal(config, &s); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
		return s.Open(p.Name)
	}
	system.Register(p)
}

// section returns the section of a system. The error wraps nn.ErrConfig.
func (s *Sections) section(name string) (own, error) {
	find, known := ownSystems[name]
	if !known {
		return nil, fmt.Errorf("systems: %w: no system of ours is called %q", nn.ErrConfig, name)
	}
	x := find(s)
	if x == nil {
		return nil, fmt.Errorf("systems: %w: %q without its section", nn.ErrConfig, name)
	}
	return x, x.Validate()
}

// Fill fills in what the system of that name decides of its network. The error wraps
// nn.ErrConfig.
func (s *Sections) Fill(name string) error {
	x, err := s.section(name)
	if err != nil {
		return err
	}
	if err := s.Network.heads(); err != nil {
		return err
	}
	s.Network = x.network(s.Network)
	return s.Network.Validate()
}

// Open makes the system of that name. The error wraps nn.ErrConfig.
func (s *Sections) Open(name string) (*system.System, error) {
	x, err := s.section(name)
	if err != nil {
		return nil, err
	}
	if err := s.Network.Validate(); err != nil {
		return nil, err
	}
	if want := x.network(s.Network); !reflect.DeepEqual(want, s.Network) {
		return nil, fmt.Errorf("systems: %w: the network does not fit %s: %+v, want %+v", nn.ErrConfig, name, s.Network, want)
	}
	out := s.Network.System()
	out.Name = name
	x.parts(out, s.Network)
	return out, nil
}

// Decoder describes the decoder-only network of Morton's own systems: RMSNorm, rotary
// positions of several axes, SwiGLU, and a head of softmaxes or of independent bits. It is
// part of a model folder's config.json.
type Decoder struct {
	Width  int `json:"width"`  // d
	Layers int `json:"layers"` // l
	Heads  int `json:"heads"`  // h, of width/heads each
	Hidden int `json:"hidden"` // f
	// RopePairs gives every axis of a position its share of the head width, in pairs.
	RopePairs []int   `json:"rope_pairs"`
	RopeTheta float64 `json:"rope_theta"`

	Static     int `json:"static"`             // k static ids a position
	StaticRows int `json:"static_rows"`        // embedding rows they index
	Features   int `json:"features,omitempty"` // of a guess that a position gets instead of static ids
	Fed        int `json:"fed"`                // earlier tokens a position is fed
	Sub        int `json:"sub"`                // s sub-tokens a token, each of Vocab values
	Vocab      int `json:"vocab"`              // v; 0 for binary codes
	// Chain says that sub-tokens, or words of a code, are told of those before them, see
	// head.Chain and head.ChainedBits.
	Chain   bool `json:"chain,omitempty"`
	Bits    int  `json:"bits"`    // bits of a binary code; 0 for softmax tokens
	Context int  `json:"context"` // positions the network sees at most
	Length  int  `json:"length"`  // largest number of positions in a sequence
	Group   int  `json:"group"`   // positions predicted together
	// Faces, if its Levels are not 0, keeps what is drawn to the rules of face
	// sequences.
	Faces FaceRules `json:"faces,omitzero"`
}

// FaceRules are those of gpu/ops/grammar's Faces.
type FaceRules struct {
	Levels int `json:"levels"` // ids of a coordinate; two tokens more are the vocabulary
	Start  int `json:"start"`  // position of the first face
}

// Validate returns an error wrapping nn.ErrConfig, or nil. It bounds every extent, so
// that a hostile config.json cannot ask for absurd memory.
func (c *Decoder) Validate() error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	switch {
	case !in(c.Width, 8, 1<<14) || c.Width%2 != 0 || !in(c.Layers, 1, 256) || !in(c.Hidden, 2, 1<<16) || c.Hidden%2 != 0:
		return badDecoder("width %d, layers %d, hidden %d", c.Width, c.Layers, c.Hidden)
	case c.heads() != nil:
		return c.heads()
	case !in(c.Static, 0, 64) || !in(c.StaticRows, 1, 1<<20) || !in(c.Fed, 0, 32) || !in(c.Context, 1, 1<<20) || !in(c.Length, c.Context, 1<<22) || !in(c.Group, 1, 64):
		return badDecoder("static %d of %d rows, fed %d, context %d, length %d, group %d", c.Static, c.StaticRows, c.Fed, c.Context, c.Length, c.Group)
	case !in(c.Features, 0, 1<<14) || c.Features%2 != 0 || c.Features > 0 && (c.Bits == 0 || c.Fed == 0 || c.Static != 1):
		return badDecoder("%d features of a guess for %d bits, %d fed, %d static", c.Features, c.Bits, c.Fed, c.Static)
	case c.Chain && c.Bits > 0 && !head.ChainFits(c.Bits):
		return badDecoder("a chain of words of %d bits", c.Bits)
	case c.Chain && c.Bits == 0 && (!in(c.Sub, 2, 16) || !in(c.Vocab, 2, 1<<10)): // the table has c.Sub²·c.Vocab²/2 numbers
		return badDecoder("a chain of %d sub-tokens of %d values", c.Sub, c.Vocab)
	case (c.Bits > 0) == (c.Vocab > 0):
		return badDecoder("either bits or a vocabulary: bits %d, vocabulary %d", c.Bits, c.Vocab)
	case c.Bits > 0 && (!in(c.Bits, 2, 1024) || c.Bits%2 != 0) || c.Vocab > 0 && (!in(c.Vocab, 2, 1<<17) || !in(c.Sub, 1, 16) || c.Vocab*c.Sub%2 != 0):
		return badDecoder("bits %d, vocabulary %d, sub-tokens %d", c.Bits, c.Vocab, c.Sub)
	}
	if f := c.Faces; f != (FaceRules{}) && (!in(f.Levels, 2, 1<<14) || !in(f.Start, 0, c.Length-1) || c.Bits > 0 || c.Sub != 1 || c.Group != 1 || c.Vocab != (f.Levels+3)&^1) {
		return badDecoder("rules of faces with %d levels from %d on, for vocabulary %d, sub-tokens %d, group %d", f.Levels, f.Start, c.Vocab, c.Sub, c.Group)
	}
	return c.validateRope()
}

func badDecoder(format string, args ...any) error {
	return fmt.Errorf("systems.Decoder: %w: %s", nn.ErrConfig, fmt.Sprintf(format, args...))
}

func (c *Decoder) heads() error {
	if c.Heads < 1 || c.Width%c.Heads != 0 || c.Width/c.Heads%2 != 0 {
		return badDecoder("%d heads for width %d", c.Heads, c.Width)
	}
	return nil
}

func (c *Decoder) validateRope() error {
	pairs := 0
	for _, p := range c.RopePairs {
		if p < 0 || p > c.Width { // so that no sum of them overflows
			return badDecoder("rope pairs %v", c.RopePairs)
		}
		pairs += p
	}
	if len(c.RopePairs) < 1 || len(c.RopePairs) > 4 || pairs != c.HeadDim()/2 || !(c.RopeTheta >= 1) || math.IsInf(c.RopeTheta, 0) {
		return badDecoder("rope pairs %v, theta %g for head width %d", c.RopePairs, c.RopeTheta, c.HeadDim())
	}
	return nil
}

// HeadDim returns dh.
func (c *Decoder) HeadDim() int { return c.Width / c.Heads }

// threeAxes shares the head width among a position's three axes.
func (c *Decoder) threeAxes() []int {
	third := c.HeadDim() / 6
	return []int{c.HeadDim()/2 - 2*third, third, third}
}

// Words returns the 32-bit words of a token: its sub-tokens, or its code's words.
func (c *Decoder) Words() int {
	t := c.Token()
	return t.Words()
}

// Outputs returns the width of the head: s·v logits, or one a bit and what a chain needs
// beside them.
func (c *Decoder) Outputs() int {
	switch {
	case c.Bits > 0 && c.Chain:
		return c.Bits + c.Width/16*4
	case c.Bits > 0:
		return c.Bits
	}
	return c.Sub * c.Vocab
}

// Layout returns the extents of the network's rows.
func (c *Decoder) Layout() system.Layout {
	return system.Layout{Fixed: c.Static, Inputs: c.Fed, Axes: len(c.RopePairs), Base: c.StaticRows, Features: c.Features, Context: c.Context, Length: c.Length, Group: c.Group}
}

// Token returns what a position holds.
func (c *Decoder) Token() system.Token {
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

// System returns the network as a system, without a schedule. The description is valid.
// The names of its tensors are Morton's own.
func (c *Decoder) System() *system.System {
	p := nn.NewParams()
	s := &system.System{Params: p.List(), Token: c.Token(), Layout: c.Layout()}
	const std = 0.02
	rope := &nn.Rope{Pairs: c.RopePairs, Theta: c.RopeTheta}
	var in input.Embedding
	if c.Features > 0 {
		in.Features = p.Matrix(c.Width, c.Features, nn.Init{Std: std}, "guess.weight")
	} else {
		in.Table = p.Table(c.Width, nn.Init{Std: std}, nn.Part{Name: "embed.weight", Rows: max(s.Dims(1).TableRows(), 1)})
	}
	before := p.RMS(c.Width, nn.OwnEps, "norm.weight")
	out := head.Linear{Out: p.Matrix(c.Outputs(), c.Width, nn.Init{Std: std}, "head.weight").After(before), Bias: p.Vector(c.Outputs(), 0, "head.bias")}
	if c.Bits > 0 && c.Fed > 0 {
		in.Codes = p.Matrix(c.Width, c.Fed*c.Bits, nn.Init{Std: 4 * std}, "code.weight")
		out.Skip = p.Matrix(c.Outputs(), c.Fed*c.Bits, nn.Init{Diagonal: skipStart}, "skip.weight")
		if c.Features > 0 {
			out.Guess = p.Matrix(c.Outputs(), c.Features, nn.Init{Diagonal: skipStart}, "guess_skip.weight")
		}
		out.SkipScale = float32(math.Sqrt(float64(c.Bits))) // makes codes, which have unit length, ±1
	}
	var blocks nn.Stack
	for i := range c.Layers {
		blocks = append(blocks, p.In("layers.%d.", i).OwnBlock(nn.BlockSize{
			Width: c.Width, Heads: c.Heads, Hidden: c.Hidden, Rope: rope, Std: std, Deep: std / math.Sqrt(2*float64(c.Layers)), // as GPT-2
		}))
	}
	s.Input, s.Trunk, s.Head = in, blocks, head.Softmax{Linear: out, Sub: c.Sub}
	switch {
	case c.Bits > 0 && c.Chain:
		s.Head = head.NewChainedBits(p, out, c.Bits, c.Width, std)
	case c.Bits > 0:
		s.Head = head.Bits{Linear: out}
	case c.Chain:
		s.Head = head.NewChain(p, head.Softmax{Linear: out, Sub: c.Sub})
	}
	return s
}
