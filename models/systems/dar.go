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
		Name: "d-ar", Title: "D-AR", Paper: "2505.23660", Kind: "image", Trains: true, Like: "llamagen",
		Open: func(config json.RawMessage, w nn.Weights) (*system.System, error) {
			c, err := readLlama(config, w, 0)
			if err == nil && c.Rope != "1d" {
				err = fmt.Errorf(`systems: %w: D-AR has the tensors of LlamaGen: say "rope": "1d" in config.json`, nn.ErrConfig)
			}
			if err != nil {
				return nil, err
			}
			return openDAR(c)
		},
	})
}

// openDAR opens "D-AR: Diffusion via Autoregressive Models", arXiv:2505.23660. Its tokens
// are a line: groups of them are what steps of a diffusion decoder look at. LlamaGen's
// network predicts them one by one, with rotary positions of one axis.
func openDAR(c *llama) (*system.System, error) {
	if c.Caption > 0 {
		return nil, fmt.Errorf("systems: %w: D-AR draws from a class", nn.ErrConfig)
	}
	if c.Block == 0 {
		c.Block = 256
	}
	p := nn.NewParams()
	line := order.Grid{T: 1, H: 1, W: c.Block, Line: true}
	s := &system.System{
		Name: "d-ar", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, 1, c.Block},
		Layout:  system.Layout{Fixed: 1, Inputs: 1, Axes: 1, Context: 1 + c.Block, Length: 1 + c.Block, Group: 1},
		Default: system.Sampling{Temperature: 1, Guidance: 4}, Dropout: c.Dropout,
	}
	s.Schedule = inRaster(line, c.fromClass(s, p, line))
	s.Trunk = c.trunk(p, 0, c.Layers, c.rope1D())
	s.Head = head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}}
	return s, nil
}
