package systems

import (
	"encoding/json"
	"errors"
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
		Name: "ear", Title: "EAR", Paper: "2505.07812", Kind: "image", Trains: true,
		Tensors: []string{"class_emb.weight", "z_proj.weight", "mask_token", "scoreloss.net.noise_embed.weight"}, Open: openEAR,
	})
}

// ear describes EAR's network, by the names of upstream's arguments.
type ear struct {
	Heads int `json:"decoder_num_heads"`
	drawing
	practice

	token, classes, side int
	mae
	head head.EnergyOptions
}

// readEAR reads a description and the shapes of the tensors.
func readEAR(config json.RawMessage, w nn.Weights) (*ear, error) {
	c := &ear{drawing: drawing{Sets: marSets, Guidance: 3, Temperature: 0.7}, practice: published}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if w == nil {
		w = c.fresh()
	}
	c.token, c.classes = dim(w, "z_proj.weight", 1), dim(w, "class_emb.weight", 0)
	c.mae = mae{dim(w, "z_proj.weight", 0), blocksOf(w, "decoder_blocks.%d.norm1.weight"), c.Heads, dim(w, "decoder_blocks.0.mlp.fc1.weight", 0)}
	c.mae.setHeads()
	const net = "scoreloss.net."
	c.head = head.EnergyOptions{
		Width: dim(w, net+"input_proj.weight", 0), Depth: blocksOf(w, net+"res_blocks.%d.in_ln.weight"), Token: c.token,
		Noise: dim(w, net+"noise_embed.weight", 1), Condition: c.width,
	}
	rows := dim(w, "decoder_pos_embed_learned", 1) // of the condition and of a square of tokens
	c.side = int(math.Round(math.Sqrt(float64(max(rows-c.Buffer, 0)))))
	return c, c.check(rows)
}

func (c *ear) check(rows int) error {
	if err := errors.Join(c.drawing.check(), c.practice.check()); err != nil {
		return err
	}
	if err := c.mae.check(); err != nil {
		return err
	}
	cells := rows - c.Buffer
	switch {
	case !within(cells, 1, 1<<16) || c.side*c.side != cells || !within(c.Buffer, 1, 1<<12) || !within(c.classes, 1, 1<<20):
		return fmt.Errorf("systems: %w: %d tokens, %d rows of condition, %d classes", nn.ErrConfig, cells, c.Buffer, c.classes)
	case !within(c.token, 1, 1<<12) || !within(c.Patch, 1, 64) || c.token%(c.Patch*c.Patch) != 0:
		return fmt.Errorf("systems: %w: tokens of %d numbers in patches of %d", nn.ErrConfig, c.token, c.Patch)
	case !within(c.head.Width, 2, 1<<14) || !within(c.head.Depth, 1, 256) || !within(c.head.Noise, 1, 1<<12):
		return fmt.Errorf("systems: %w: a head of width %d with %d blocks and %d random numbers", nn.ErrConfig, c.head.Width, c.head.Depth, c.head.Noise)
	}
	return nil
}

// openEAR opens "Continuous Visual Autoregressive Generation via Score Maximization",
// arXiv:2505.07812. Random sets as in MAR, by one part of blocks, and a head of one pass.
func openEAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readEAR(config, w)
	if err != nil {
		return nil, err
	}
	p, init, rows := nn.NewParams(), nn.Init{Std: 0.02}, c.Buffer+c.side*c.side
	in := input.Masked{
		Known: p.Table(c.width, init, nn.Part{Name: "class_emb.weight", Rows: c.classes}, nn.Part{Name: "fake_latent", Rows: 1},
			nn.Part{Name: "z_proj.bias", Rows: 1}, nn.Part{Name: "mask_token", Rows: 1, Ones: 1}, nn.Part{Name: "decoder_pos_embed_learned", Rows: rows, Ones: 1}),
		Numbers: p.Matrix(c.width, c.token, init, "z_proj.weight"),
	}
	trunk := earTrunk{c.blocks(p, "decoder", nil), p.LayerNorm(c.width, marEps, "decoder_norm")}
	return &system.System{
		Name: "ear", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{1, c.side, c.side},
		Layout: system.Layout{Fixed: 2, Inputs: 1, Axes: 1, Context: rows, Length: rows, Group: rows},
		Input:  in, Trunk: trunk, Head: head.NewEnergy(p.In("scoreloss.net."), c.head),
		Default: c.sampling(), Schedule: c.schedule, Dropout: c.Dropout, Flatten: c.lay(c.side, c.token),
		Passes: []system.Pass{{Runs: []int{0}, Rows: rows}},
		Practice: func(q system.Prompt, word func(uint32) uint32) (system.Schedule, error) {
			m, err := c.masked(q)
			if err != nil {
				return nil, err
			}
			return c.practise(m, word)
		},
	}, nil
}

// earTrunk is blocks with a norm behind them.
type earTrunk struct {
	blocks nn.ViTs
	norm   *nn.LayerNorm
}

// Forward implements system.Trunk.
func (t earTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	x = g.LayerNorm(t.blocks.Forward(g, x), t.norm)
	g.Mark("decoder.norm", x)
	return x
}

// schedule returns the runs of a class; -1 is none.
func (c *ear) schedule(q system.Prompt) (system.Schedule, error) {
	steps, err := c.setsOf(q, c.classes)
	if err != nil {
		return nil, err
	}
	if q.Inner != [2]int{} {
		return nil, fmt.Errorf("systems: %w: %v passes, the head has one", system.ErrPrompt, q.Inner)
	}
	n := c.side * c.side
	scale, err := c.ramp(q, n)
	if err != nil {
		return nil, err
	}
	m, err := c.masked(q)
	m.Steps, m.Scale, m.Rewrites = steps, scale, c.Rewrites
	if err != nil {
		return nil, err
	}
	return m.Schedule()
}

// masked is the order of a class without what only drawing needs.
func (c *ear) masked(q system.Prompt) (order.Masked, error) {
	none := int32(c.classes)
	_, err := c.setsOf(q, c.classes)
	return order.Masked{
		N: c.side * c.side, Order: q.Order, Class: repeated(c.Buffer, classOf(q, none)), OtherClass: repeated(c.Buffer, none),
		Known: none + 1, Unknown: none + 2, Fill: none + 3, Once: true,
	}, err
}

// fresh are the shapes of a network that is to be trained, as far as they tell sizes.
func (c *ear) fresh() nn.Weights {
	side, token := c.grid()
	const net = "scoreloss.net."
	s := shapesOf{
		"z_proj.weight": {c.DecoderWidth, token}, "class_emb.weight": {c.Classes, c.DecoderWidth}, "decoder_blocks.0.mlp.fc1.weight": {c.wide(c.DecoderWidth), c.DecoderWidth},
		net + "input_proj.weight": {c.HeadWidth, c.DecoderWidth}, net + "noise_embed.weight": {c.HeadWidth, c.Noise},
		"decoder_pos_embed_learned": {1, c.Buffer + side*side, c.DecoderWidth},
	}
	s.count("decoder_blocks.%d.norm1.weight", c.DecoderDepth)
	s.count(net+"res_blocks.%d.in_ln.weight", c.HeadDepth)
	return s
}
