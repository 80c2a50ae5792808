package systems

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "nar", Title: "NAR", Paper: "2503.10696", Kind: "image", Trains: true, Tensors: []string{"tok_embeddings.weight", classTable, "output.weight", "medusa_output.weight"}, Open: openNAR,
	})
	system.Register(system.Published{
		Name: "nar-video", Title: "NAR, video", Paper: "2503.10696", Kind: "video", Tensors: []string{"tok_embeddings.weight", classTable, "output_R.weight", "abs_pe"}, Open: openNARVideo,
	})
}

// openNAR opens "Neighboring Autoregressive Modeling for Efficient Visual Generation",
// arXiv:2503.10696. The network is LlamaGen's with one more block. The left neighbour
// predicts a token behind the trunk, the upper neighbour behind the last block.
func openNAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 1)
	if err != nil {
		return nil, err
	}
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	rope := c.rope2D()
	grid := order.Grid{T: 1, H: side, W: side}
	s := c.shells(p, grid, 2)
	s.Name, s.Flatten = "nar", c.lay(grid)
	s.Input = c.embeddings(p)
	s.Trunk = c.trunk(p, 0, c.Layers, rope)
	s.Head = head.Directions{
		{Out: c.out(p, "norm.weight", "output.weight")},
		{Blocks: c.trunk(p, c.Layers, c.Layers+1, rope), Out: c.out(p, "medusa_norm.weight", "medusa_output.weight")},
	}
	return s, nil
}

// openNARVideo opens the same paper's video network. It has a third head for the next
// frame, and learned positions in place of rotary ones.
func openNARVideo(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 2)
	if err != nil {
		return nil, err
	}
	if c.Latent == nil {
		c.Latent = []int{4, 16, 16}
	}
	g := order.Grid{Place: true, First: c.Classes + 1}
	if len(c.Latent) != 3 || min(c.Latent[0], c.Latent[1], c.Latent[2]) < 1 || max(c.Latent[0], c.Latent[1], c.Latent[2]) > 1<<10 {
		return nil, fmt.Errorf("systems: %w: latent_shape %v", nn.ErrConfig, c.Latent)
	}
	g.T, g.H, g.W = c.Latent[0], c.Latent[1], c.Latent[2]
	p := nn.NewParams()
	s := c.shells(p, g, 3)
	s.Name, s.Layout.Fixed, s.Layout.Axes = "nar-video", 2, 1
	s.Layout.Base += g.Cells() + 1
	s.Input = c.embeddings(p, nn.Part{Name: "abs_pe", Rows: g.Cells() + 1})
	s.Trunk = c.trunk(p, 0, c.Layers, nil)
	s.Head = head.Directions{
		{Out: c.out(p, "norm_R.weight", "output_R.weight")},
		{Blocks: c.trunk(p, c.Layers, c.Layers+1, nil), Out: c.out(p, "norm_D.weight", "output_D.weight")},
		{Blocks: c.trunk(p, c.Layers+1, c.Layers+2, nil), Out: c.out(p, "norm_B.weight", "output_B.weight")},
	}
	return s, nil
}

// shells makes a system that predicts a grid shell by shell.
func (c *llama) shells(p nn.Params, g order.Grid, directions int) *system.System {
	length := 1 + g.Cells()
	return &system.System{
		Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{g.T, g.H, g.W},
		Layout:  system.Layout{Fixed: 1, Inputs: 1, Axes: 2, Base: c.Classes + 1, Context: length, Length: length, Group: min(g.H, g.W) * g.T, Directions: directions},
		Default: system.Sampling{Temperature: 1, Guidance: 2},
		Dropout: c.Dropout,
		Schedule: func(q system.Prompt) (system.Schedule, error) {
			condition, err := c.class(g, q)
			return g.Shells(condition, directions, guide(q, func(before int) bool { return before > q.Interval })), err
		},
	}
}
