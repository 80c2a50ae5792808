package systems

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

const transitions = "spe_tok_embeddings.special_embeddings.weight"

func init() {
	system.Register(system.Published{
		Name: "par", Title: "PAR", Paper: "2412.15119", Kind: "image", Trains: true, Tensors: []string{"tok_embeddings.weight", classTable, "output.weight", transitions}, Open: openPAR,
	})
}

// openPAR opens "Parallelized Autoregressive Visual Generation", arXiv:2412.15119.
// LlamaGen's network predicts one token of every region at once.
func openPAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 0)
	if err != nil {
		return nil, err
	}
	if c.Block == 0 {
		c.Block = 576
	}
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	if w == nil && c.Special == 0 {
		c.Special = 3 // upstream's
	}
	regions := int(math.Round(math.Sqrt(float64(c.Special + 1))))
	if regions*regions != c.Special+1 || side%regions != 0 {
		return nil, fmt.Errorf("systems: %w: %d transition tokens for a grid of %d", nn.ErrConfig, c.Special, side)
	}
	p := nn.NewParams()
	grid := order.Grid{T: 1, H: side, W: side}
	var special []int32
	for i := range c.Special {
		special = append(special, int32(c.Classes+1+i))
	}
	length := 1 + c.Block + c.Special
	return &system.System{
		Name: "par", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, side, side},
		Layout:  system.Layout{Fixed: 1, Inputs: 1, Axes: 2, Base: c.Classes + 1 + c.Special, Context: length, Length: length, Group: c.Special + 1},
		Input:   c.embeddings(p, nn.Part{Name: transitions, Rows: c.Special}),
		Trunk:   c.trunk(p, 0, c.Layers, c.rope2D()),
		Head:    head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}},
		Default: system.Sampling{Temperature: 1, Guidance: 1.5},
		Dropout: c.Dropout, Flatten: c.lay(grid),
		Schedule: func(q system.Prompt) (system.Schedule, error) {
			condition, err := c.class(grid, q)
			off := func(before int) bool { // tokens are counted anew in the groups
				if before <= c.Special {
					return before-1 > q.Interval
				}
				return before-c.Special-1 > q.Interval
			}
			return grid.Groups(condition, regions, special, guide(q, off)), err
		},
	}, nil
}
