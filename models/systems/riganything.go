package systems

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/rigs"
)

func init() {
	system.Register(system.Published{
		Name: "riganything", Title: "RigAnything", Paper: "2502.09615", Papers: []string{"2406.11838"}, Kind: system.Rig, Samples: shard.KindRig, Trains: true,
		Tensors: []string{"input.numbers.weight", "fuse.numbers.weight", "pairs.key.weight", "diffusion.input_proj.weight"}, Open: openRigAnything,
	})
}

// rigAnything describes a network of RigAnything's kind. Its authors' code is not free, so names
// are ours. Sizes that a description lacks are those of the paper where it states them.
type rigAnything struct {
	Width     int     `json:"width"`
	Heads     int     `json:"heads"`
	Hidden    int     `json:"hidden"`
	Blocks    int     `json:"blocks"`
	Points    int     `json:"points"`
	Joints    int     `json:"joints"` // at most
	Skins     int     `json:"skins"`  // points of a lesson whose influences are learned
	Pairs     int     `json:"pairs"`  // width of the network of pairs
	HeadWidth int     `json:"head_width"`
	HeadDepth int     `json:"head_depth"`
	Lessons   int     `json:"lessons"` // of a token
	Sampling  string  `json:"sampling_steps"`
	Heat      float64 `json:"temperature"`
}

// pointsDecide stands for skins that a description lacks.
const pointsDecide = math.MinInt

func readRigAnything(config json.RawMessage, w nn.Weights) (*rigAnything, error) {
	c := &rigAnything{
		Width: 1024, Heads: 16, Hidden: 2736, Blocks: 12, Points: 1024, Joints: 64, Skins: pointsDecide, Pairs: 256, HeadWidth: 1024, HeadDepth: 3, Lessons: 4, Sampling: "ddim50", Heat: 1,
	}
	if err := describe(config, w, c); err != nil {
		return nil, err
	}
	if c.Skins == pointsDecide {
		c.Skins = min(256, c.Points)
	}
	return c, c.validate()
}

// validate returns an error wrapping nn.ErrConfig that names a field and its rule.
func (c *rigAnything) validate() error {
	for _, f := range []struct {
		name                 string
		got, least, most, of int // in multiples of
		given                string
	}{
		{"points", c.Points, order.RigGroup, order.RigMostPoints, order.RigGroup, ""},
		{"joints", c.Joints, 2, order.RigMostJoints, 1, ""},
		{"skins", c.Skins, 1, c.Points, 1, fmt.Sprintf(" with %d points", c.Points)},
		{"heads", c.Heads, 1, 1 << 10, 1, ""},
		{"width", c.Width, 8, min(1<<14, c.Heads*attention.MaxHeadDim), 2 * c.Heads, fmt.Sprintf(" with %d heads", c.Heads)},
		{"hidden", c.Hidden, 2, 1 << 17, 2, ""},
		{"blocks", c.Blocks, 1, 256, 1, ""},
		{"pairs", c.Pairs, 2, 1 << 14, 2, ""},
		{"head_width", c.HeadWidth, 2, 1 << 14, 2, ""},
		{"head_depth", c.HeadDepth, 1, 256, 1, ""},
		{"lessons", c.Lessons, 1, 64, 1, ""},
	} {
		if within(f.got, f.least, f.most) && f.got%f.of == 0 {
			continue
		}
		if f.of > 1 {
			f.given = fmt.Sprintf(" in multiples of %d%s", f.of, f.given)
		}
		return fmt.Errorf("systems: %w: config.json: %s is %d, want %d to %d%s", nn.ErrConfig, f.name, f.got, f.least, f.most, f.given)
	}
	if !(c.Heat >= 0 && c.Heat < 100) {
		return fmt.Errorf("systems: %w: config.json: temperature is %g, want at least 0 and below 100", nn.ErrConfig, c.Heat)
	}
	return nil
}

func (c *rigAnything) order() order.Rig {
	return order.Rig{Points: c.Points, Joints: c.Joints, Skins: c.Skins}
}

func (c *rigAnything) tokens() rigs.Config { return rigs.Config{Points: c.Points, Joints: c.Joints} }

// rigSteps is the number of levels of noise.
const rigSteps = 1000

// The kinds of pointing.
const (
	rigParents = iota
	rigSkins
	rigKinds
)

// openRigAnything opens a network of the kind of "RigAnything: Template-Free Autoregressive
// Rigging for Diverse 3D Assets", arXiv:2502.09615. Its parts:
//
//	token     four numbers: a place, the parent, or the influences of a point
//	schedule  joints in breadth-first order; a parent before the next place; then influences
//	input     a point with its normal; a joint with its parent's place, and both numbers
//	trunk     pre-norm blocks. Points see each other, joints the points and those before
//	head      a diffusion of a joint's place; pairs of states for parents and influences
//	sampling  temperature of the diffusion; the likeliest parent
func openRigAnything(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readRigAnything(config, w)
	if err != nil {
		return nil, err
	}
	p, o := nn.NewParams(), c.order()
	s := &system.System{
		Name: "riganything", Token: system.Token{Width: rigs.Width}, Grid: [3]int{1, 1, o.Drawn()}, Tokens: o.Positions(), Params: p.List(),
		Layout: system.Layout{
			Fixed: order.RigFixed, Inputs: order.RigInputs, Context: o.Context(), Length: o.Positions(), Group: o.Group(),
			Places: o.Context(), State: c.Width, Recalls: order.RigRecalls,
		},
		Default: system.Sampling{Temperature: c.Heat}, Flatten: c.flatten,
		Facts: []system.Fact{{Name: "condition", Value: fmt.Sprintf("%d points of a surface", c.Points)}, {Name: "joints", Value: fmt.Sprintf("up to %d", c.Joints)}},
		Passes: []system.Pass{
			{Runs: []int{order.RigRead}, Stage: order.RigRead, Rows: o.Context()},
			{Runs: []int{order.RigPlace, order.RigParent, order.RigSkin}, Stage: order.RigPlace, Rows: o.Drawn(), Spans: []int{1, o.Candidates()}},
		},
		Practice: func(_ system.Prompt, word func(uint32) uint32) (system.Schedule, error) { return o.Lesson(word) },
	}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) {
		if want := 2 * c.Points * rigs.Width; len(q.Given) != want {
			return nil, fmt.Errorf("systems: %w: %d numbers of points, want %d", system.ErrPrompt, len(q.Given), want)
		}
		return o.Schedule()
	}
	s.Input, s.Trunk = c.input(p), c.trunk(p)
	if s.Head, err = c.head(p); err != nil {
		return nil, err
	}
	s.Tokenizer = func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return rigs.Tokenizer{Config: c.tokens(), Order: o}, nil
	}
	return s, nil
}

// rigInput is an input of two kinds. Rows of points and joints have an MLP of their numbers; those
// that draw begin with the state of another row.
type rigInput struct {
	table    *nn.Table
	in, fuse *nn.Matrix
	up       *nn.Linear
}

func (c *rigAnything) input(p nn.Params) rigInput {
	std := nn.Init{Std: 0.02}
	numbers := nn.Init{Std: 1 / math.Sqrt(order.RigInputs*rigs.Width)}
	waves := sinusoids(c.Joints, c.Width)
	return rigInput{
		table: p.Table(c.Width, std, nn.Part{Name: "input.kinds.weight", Rows: order.RigKinds}, nn.Part{Rows: c.Joints, Values: waves}, nn.Part{Rows: c.Joints, Values: turned(waves)}),
		in:    p.Matrix(c.Width, order.RigInputs*rigs.Width, numbers, "input.numbers.weight"),
		fuse:  p.Matrix(c.Width, order.RigInputs*rigs.Width, numbers, "fuse.numbers.weight"),
		up:    p.Linear(c.Width, c.Width, nn.Init{Std: 1 / math.Sqrt(float64(c.Width))}, "input.out"),
	}
}

// sinusoids are sines and cosines of the numbers up to n, [n, width].
//
// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, section 3.5.
func sinusoids(n, width int) (out []float32) {
	for k := range n {
		for i := range width / 2 {
			sin, cos := math.Sincos(float64(k) * math.Pow(10_000, -2*float64(i)/float64(width)))
			out = append(out, float32(sin), float32(cos))
		}
	}
	return out
}

// turned are the numbers of x from the last to the first, so that no row is one of x.
func turned(x []float32) []float32 {
	out := slices.Clone(x)
	slices.Reverse(out)
	return out
}

// Record implements system.Input.
func (in rigInput) Record(g nn.Graph, stage int) *nn.Value {
	if stage != order.RigRead {
		x := g.Add(g.Product(g.Numbers(), in.fuse, nn.ProductOptions{Add: g.Embed(in.table)}), g.Recall(0))
		g.Mark("fuse", x)
		return x
	}
	x := g.SiLU(g.Product(g.Numbers(), in.in, nn.ProductOptions{Add: g.Embed(in.table)}))
	x = in.up.Forward(g, x, nn.ProductOptions{})
	g.Mark("embed", x)
	return x
}

// rigTrunk has blocks for rows of points and joints, whose states are kept, and an MLP for rows
// that draw.
type rigTrunk struct {
	blocks     nn.Stack
	fuse       nn.MLP
	norm, last *nn.LayerNorm
}

func (c *rigAnything) trunk(p nn.Params) (t rigTrunk) {
	size := nn.BlockSize{Width: c.Width, Heads: c.Heads, Hidden: c.Hidden, Std: 0.02, Deep: 0.02 / math.Sqrt(2*float64(c.Blocks))} // as GPT-2
	for i := range c.Blocks {
		b := p.In("blocks.%d.", i).OwnBlock(size)
		b.Name = fmt.Sprint("block", i)
		t.blocks = append(t.blocks, b)
	}
	t.norm = p.LayerNorm(c.Width, 1e-5, "norm")
	t.fuse.GateUp = p.Matrix(2*c.Hidden, c.Width, nn.Init{Std: 0.02}, "fuse.gate_up.weight").After(p.RMS(c.Width, nn.OwnEps, "fuse.mlp_norm.weight"))
	t.fuse.Down = p.Matrix(c.Width, c.Hidden, nn.Init{Std: 0.02}, "fuse.down.weight")
	t.last = p.LayerNorm(c.Width, 1e-5, "fuse.norm")
	return t
}

// Forward implements system.Trunk.
func (t rigTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	if g.Stage() != order.RigRead {
		x = g.LayerNorm(t.fuse.Forward(g, x), t.last)
		g.Mark("fused", x)
		return x
	}
	x = g.LayerNorm(t.blocks.Forward(g, x), t.norm)
	g.Mark("states", x)
	g.Keep(x)
	return x
}

func (c *rigAnything) head(p nn.Params) (*head.Pointing, error) {
	betas := head.CosineBetas(rigSteps)
	kept, err := head.Spacing(rigSteps, c.Sampling)
	if err != nil {
		return nil, fmt.Errorf("systems: config.json: sampling_steps: %w", err)
	}
	net := head.NewDenoiser(p.In("diffusion."), head.DenoiserOptions{Width: c.HeadWidth, Depth: c.HeadDepth, Token: rigs.Width, Says: rigs.Width, Condition: c.Width})
	d := head.NewDiffusion(p, net, head.FixedLarge(betas, kept)).Teach(head.NoiseLevels(betas), rigs.Width, c.Lessons)
	h := head.NewPointing(p.In("pairs."), d, c.Pairs, c.Width, rigKinds)
	h.Candidates, h.Rows = c.order().Candidates(), order.RigGroup
	h.Kind = func(stage int) int {
		switch stage {
		case order.RigParent:
			return rigParents
		case order.RigSkin:
			return rigSkins
		}
		return -1
	}
	h.KindOf = func(within [2]int32) int {
		if within[0] > 0 { // the start moves no point
			return rigSkins
		}
		return rigParents
	}
	return h, nil
}

// flatten lays a rig out.
func (c *rigAnything) flatten(s shard.Sample) (system.Prompt, []uint32, error) {
	tokens, err := c.tokens().Lay(s, c.order())
	if err != nil {
		return system.Prompt{}, nil, err
	}
	return system.Prompt{Given: tokens[:2*c.Points*rigs.Width]}, tokens, nil
}
