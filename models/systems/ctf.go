package systems

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// Both networks have LlamaGen's names below prefixes that are ours: the authors' names could
// not be found.
const coarse, fine = "coarse.", "fine."

func init() {
	system.Register(system.Published{
		Name: "coarse-to-fine", Title: "coarse-to-fine tokens (CTF)", Paper: "2503.16194", Papers: []string{"2406.06525"}, Kind: "image",
		Tensors: []string{coarse + "tok_embeddings.weight", coarse + classTable, fine + "tok_embeddings.weight", fine + "output.weight"}, Open: openCTF,
	})
}

// ctf describes both networks by LlamaGen's names.
type ctf struct {
	Coarse json.RawMessage `json:"coarse"`
	Fine   json.RawMessage `json:"fine"`
}

// below are the tensors below a prefix.
type below struct {
	nn.Weights
	prefix string
}

// Shape implements nn.Weights.
func (w below) Shape(name string) ([]int, bool) { return w.Weights.Shape(w.prefix + name) }

// openCTF opens "Improving Autoregressive Image Generation through Coarse-to-Fine Token
// Prediction", arXiv:2503.16194. LlamaGen's network predicts clusters of tokens in raster order.
// Another one without a causal mask then predicts all tokens at once.
func openCTF(config json.RawMessage, w nn.Weights) (*system.System, error) {
	var d ctf
	if config != nil {
		if err := json.Unmarshal(config, &d); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	c, err := readLlama(d.Coarse, below{w, coarse}, 0)
	if err != nil {
		return nil, fmt.Errorf("coarse: %w", err)
	}
	f, err := readLlama(d.Fine, below{w, fine}, 0)
	if err != nil {
		return nil, fmt.Errorf("fine: %w", err)
	}
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	values := dim(w, fine+"output.weight", 0)
	if f.Vocab != c.Vocab || f.Classes != c.Classes || !within(values, 2, 1<<18) || c.Vocab > values || c.Classes < 1 {
		return nil, fmt.Errorf("systems: %w: %d and %d clusters of %d tokens, %d and %d classes", nn.ErrConfig, c.Vocab, f.Vocab, values, c.Classes, f.Classes)
	}
	list := nn.NewParams()
	p, q := list.In(coarse), list.In(fine)
	grid, n := order.Grid{T: 1, H: side, W: side}, c.Block
	parts := stages{{c.embeddings(p), c.trunk(p, 0, c.Layers, c.rope2D())}, {f.embeddings(q), f.trunk(q, 0, f.Layers, f.rope2D())}}
	return &system.System{
		Name: "coarse-to-fine", Params: list.List(), Token: system.Token{Sub: 1, Values: values}, Grid: [3]int{1, side, side},
		Layout: system.Layout{Fixed: 1, Inputs: 1, Axes: 2, Base: c.Classes + 1, Context: 1 + n, Length: 2 * n, Group: 1 + n},
		Input:  parts, Trunk: parts,
		Head: head.Stages{
			{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}},
			{Linear: head.Linear{Out: q.Matrix(values, f.Dim, llamaInit, "output.weight").After(q.RMS(f.Dim, f.Eps, "norm.weight"))}},
		},
		Default: system.Sampling{Temperature: 1, Guidance: 2},
		Schedule: func(q system.Prompt) (system.Schedule, error) {
			condition, err := c.class(grid, q)
			if err != nil {
				return nil, err
			}
			return grid.CoarseToFine(condition, c.Vocab, guide(q, func(before int) bool { return before-1 > q.Interval })), nil
		},
	}, nil
}

// stages are networks of which each stage has one.
type stages []struct {
	input input.Embedding
	trunk nn.Stack
}

// Record implements system.Input.
func (s stages) Record(g nn.Graph, stage int) *nn.Value { return s[stage].input.Record(g, stage) }

// Forward implements system.Trunk.
func (s stages) Forward(g nn.Graph, x *nn.Value) *nn.Value { return s[g.Stage()].trunk.Forward(g, x) }
