package systems

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "block-diffusion", Title: "BD3-LM, block diffusion", Paper: "2503.09573", Papers: []string{"2409.02908"}, Kind: "image",
		Tensors: []string{"backbone.vocab_embed.embedding", "backbone.sigma_map.mlp.0.weight", "backbone.blocks.0.adaLN_modulation.weight", "backbone.output_layer.linear.weight"},
		Open:    openBlockDiffusion,
	})
}

// blockDiffusion describes BD3-LM's network, by the names of upstream's configuration. The
// vocabulary ends with classes, which are ours and may be none, with the token that begins a
// sequence, and with the mask.
type blockDiffusion struct {
	Block  int  `json:"block_size"`
	Length int  `json:"model_length"` // with the token that begins a sequence
	Heads  int  `json:"n_heads"`
	Times  bool `json:"time_conditioning"`
	// Names of ours: classes of pictures, and steps of a block, 0 for one a token.
	Classes int           `json:"num_classes"`
	Steps   int           `json:"block_steps"`
	Commit  *order.Commit `json:"commit"`

	width, depth, hidden, told, rows int
}

// readBlockDiffusion reads a description and the shapes of the tensors.
func readBlockDiffusion(config json.RawMessage, w nn.Weights) (*blockDiffusion, error) {
	c := &blockDiffusion{Block: 16, Length: 1024}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	c.rows, c.width = dim(w, "backbone.vocab_embed.embedding", 0), dim(w, "backbone.vocab_embed.embedding", 1)
	c.depth, c.hidden = blocksOf(w, "backbone.blocks.%d.attn_qkv.weight"), dim(w, "backbone.blocks.0.mlp.0.weight", 0)
	c.told = dim(w, "backbone.sigma_map.mlp.2.weight", 0)
	if c.Heads == 0 {
		c.Heads = map[int]int{256: 8, 768: 12, 1024: 16}[c.width] // of the published sizes
	}
	return c, c.check()
}

func (c *blockDiffusion) check() error {
	if err := (mae{c.width, c.depth, c.Heads, c.hidden}).check(); err != nil {
		return err
	}
	switch {
	case !within(c.Length, 2, 1<<16) || !within(c.Block, 1, min(c.Length, 1<<12)) || !within(c.Steps, 0, 1<<16):
		return fmt.Errorf("systems: %w: %d tokens in blocks of %d, with %d steps", nn.ErrConfig, c.Length, c.Block, c.Steps)
	case !within(c.rows, 3, 1<<18) || !within(c.Classes, 0, c.rows-3) || !within(c.told, 2, 1<<14):
		return fmt.Errorf("systems: %w: a vocabulary of %d with %d classes, %d numbers of condition", nn.ErrConfig, c.rows, c.Classes, c.told)
	case c.Commit.Check() != nil:
		return fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, c.Commit.Check())
	case c.Times:
		return fmt.Errorf("systems: %w: a network that is told the time of the diffusion", nn.ErrConfig)
	}
	return nil
}

// values is how many tokens can be drawn: without classes, as in upstream's networks of
// texts, also the one that begins a sequence.
func (c *blockDiffusion) values() int {
	if c.Classes == 0 {
		return c.rows - 1
	}
	return c.rows - 2 - c.Classes
}

// openBlockDiffusion opens "Block Diffusion: Interpolating Between Autoregressive and
// Diffusion Language Models", arXiv:2503.09573. Masked diffusion fills in a block, behind the
// blocks before it. The published networks are of texts; one of pictures has their lines of
// tokens, and begins with a class.
func openBlockDiffusion(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readBlockDiffusion(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams().In("backbone.")
	s := &system.System{
		Name: "block-diffusion", Params: p.List(), Token: system.Token{Sub: 1, Values: c.values()}, Grid: [3]int{1, 1, c.Length - 1},
		Layout:  system.Layout{Fixed: 1, Inputs: 1, Axes: 1, Context: c.Length, Length: max(c.Length, 2*c.Block), Group: 2 * c.Block},
		Input:   input.Embedding{Table: p.Table(c.width, varInit, nn.Part{Name: "vocab_embed.embedding", Rows: c.rows})},
		Trunk:   c.trunk(p),
		Default: system.Sampling{Temperature: 1, Guidance: 1}, Schedule: c.schedule,
	}
	if side := int(math.Round(math.Sqrt(float64(c.Length - 1)))); side*side == c.Length-1 {
		s.Grid = [3]int{1, side, side}
	}
	out := p.Linear(c.rows, c.width, varInit, "output_layer.linear")
	s.Head = head.Softmax{Linear: head.Linear{Out: out.W, Bias: out.B}}
	return s, nil
}

// blockTrunk is blocks that are all told the same: that the time of the diffusion is 0. The
// network does not need it, since masks show how far the diffusion is.
type blockTrunk struct {
	zero   *nn.Constant
	time   [2]*nn.Linear
	blocks []*nn.Adaptive
	norm   *nn.LayerNorm
	final  *nn.Linear
}

func (c *blockDiffusion) trunk(p nn.Params) *blockTrunk {
	t := &blockTrunk{zero: p.Constant(head.Waves([]float32{0}), 1, head.TimeFeatures)}
	t.time = [2]*nn.Linear{p.Linear(c.told, head.TimeFeatures, varInit, "sigma_map.mlp.0"), p.Linear(c.told, c.told, varInit, "sigma_map.mlp.2")}
	rope := &nn.Rope{Pairs: []int{c.width / c.Heads / 2}, Theta: 10000}
	for i := range c.depth {
		q := p.In("blocks.%d.", i)
		b := &nn.Adaptive{Name: fmt.Sprint("block", i), Parts: nn.ShiftFirst, Norms: [2]*nn.LayerNorm{c.norm(q, "norm1"), c.norm(q, "norm2")}}
		b.Attention = q.Attention(nn.Attention{Heads: c.Heads, HeadDim: c.width / c.Heads, Rope: rope})
		b.QKV = &nn.Linear{W: q.Matrix(3*c.width, c.width, varInit, "attn_qkv.weight").PickRows(b.Attention.Neighbours())}
		b.Out = &nn.Linear{W: q.Matrix(c.width, c.width, varInit, "attn_out.weight")}
		b.Up, b.Down = q.Linear(c.hidden, c.width, varInit, "mlp.0"), q.Linear(c.width, c.hidden, varInit, "mlp.2")
		b.Modulation = q.Linear(6*c.width, c.told, varInit, "adaLN_modulation")
		t.blocks = append(t.blocks, b)
	}
	t.norm, t.final = c.norm(p, "output_layer.norm_final"), p.Linear(2*c.width, c.told, varInit, "output_layer.adaLN_modulation")
	return t
}

func (c *blockDiffusion) norm(p nn.Params, name string) *nn.LayerNorm {
	return &nn.LayerNorm{Gain: p.Vector(c.width, 1, name+".weight"), Eps: 1e-5}
}

// Forward implements system.Trunk.
func (t *blockTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	d := g.(*nn.Inference)
	told := t.time[0].Forward(g, d.Fixed(t.zero), nn.ProductOptions{Act: nn.SiLU})
	told = g.SiLU(t.time[1].Forward(g, told, nn.ProductOptions{}))
	for _, b := range t.blocks {
		x = b.Told(g, x, b.Modulation.Forward(g, told, nn.ProductOptions{}))
		g.Mark(b.Name, x)
	}
	return g.Modulate(g.LayerNorm(x, t.norm), t.final.Forward(g, told, nn.ProductOptions{}), 1, 0, nil)
}

// schedule returns the runs of a class; -1 is none.
func (c *blockDiffusion) schedule(q system.Prompt) (system.Schedule, error) {
	if q.Text != nil || q.Class < -1 || q.Class >= max(c.Classes, 1) || q.Steps < 0 || q.Inner != [2]int{} {
		return nil, fmt.Errorf("systems: %w: class %d of %d, %d features of text, %d steps", system.ErrPrompt, q.Class, c.Classes, len(q.Text), q.Steps)
	}
	if q.Steps == 0 {
		q.Steps = c.Steps
	}
	none := int32(c.rows - 2)
	b := order.Blocks{N: c.Length - 1, Size: c.Block, Steps: q.Steps, Order: q.Order, Class: none, Other: none, Mask: none + 1, Commit: c.Commit}
	if q.Class >= 0 && c.Classes > 0 {
		b.Class = none - int32(c.Classes) + int32(q.Class)
	}
	return b.Schedule()
}
