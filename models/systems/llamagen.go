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

func init() {
	system.Register(system.Published{
		Name: "llamagen", Title: "LlamaGen", Paper: "2406.06525", Kind: "image", Trains: true, Tensors: []string{"tok_embeddings.weight", classTable, "output.weight"}, Open: openLlamaGen,
	})
	system.Register(system.Published{
		Name: "llamagen-t2i", Title: "LlamaGen, text to image", Paper: "2406.06525", Kind: "image", Tensors: []string{"tok_embeddings.weight", captionUp, "output.weight"}, Open: openLlamaGen,
	})
}

// openLlamaGen opens "Autoregressive Model Beats Diffusion: Llama for Scalable Image
// Generation", arXiv:2406.06525. It predicts tokens one by one in raster order, behind
// a class or the features of a text.
func openLlamaGen(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 0)
	if err != nil {
		return nil, err
	}
	if c.Rope == "1d" {
		return openDAR(c)
	}
	s, conditions, err := c.llamaGen(nn.NewParams(), w, c.Caption)
	if err != nil {
		return nil, err
	}
	s.Schedule = inRaster(order.Grid{T: 1, H: s.Grid[1], W: s.Grid[2]}, conditions)
	return s, nil
}

// conditions makes the first rows of a prompt.
type conditions func(system.Prompt) (order.Conditions, error)

// inRaster predicts the cells of a grid one by one behind conditions.
func inRaster(g order.Grid, of conditions) func(system.Prompt) (system.Schedule, error) {
	return func(q system.Prompt) (system.Schedule, error) {
		condition, err := of(q)
		if err != nil {
			return nil, err
		}
		return g.Raster(condition, interval(q)), nil
	}
}

// interval is when a prompt's guidance ends.
func interval(q system.Prompt) order.GuidanceScale {
	return guide(q, func(before int) bool { return before-1 > q.Interval })
}

// llamaGen declares the network. What it lacks is a schedule, whose first rows
// conditions make. Rows of text have so many features, the first of which are the text's.
func (c *llama) llamaGen(p nn.Params, w nn.Weights, features int) (s *system.System, of conditions, err error) {
	side, err := c.side()
	if err != nil {
		return nil, nil, err
	}
	grid := order.Grid{T: 1, H: side, W: side}
	s = &system.System{
		Name: "llamagen", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, side, side},
		Layout: system.Layout{Fixed: 1, Inputs: 1, Axes: 2, Context: c.Text + c.Block, Length: c.Text + c.Block, Group: 1, Features: features},
	}
	switch {
	case c.Caption > 0 && w == nil:
		err = fmt.Errorf("systems: %w: captions cannot be trained: shards have no features of texts", nn.ErrConfig)
	case c.Caption > 0:
		of, err = c.fromText(s, p, grid, w, features)
	default:
		of = c.fromClass(s, p, grid)
	}
	s.Trunk = c.trunk(p, 0, c.Layers, c.rope2D())
	s.Head = head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}}
	s.Default, s.Dropout = system.Sampling{Temperature: 1, Guidance: 2}, c.Dropout
	return s, of, err
}

func (c *llama) fromClass(s *system.System, p nn.Params, g order.Grid) conditions {
	s.Layout.Base, s.Input, s.Flatten = c.Classes+1, c.embeddings(p), c.lay(g)
	return func(q system.Prompt) (order.Conditions, error) { return c.class(g, q) }
}

// fromText reads the features of a text in a stage of their own. It leaves padding out,
// since no other row sees it. The branch without the condition reads as many learned
// features.
func (c *llama) fromText(s *system.System, p nn.Params, g order.Grid, w nn.Weights, features int) (conditions, error) {
	up := p.Matrix(c.Dim, features, llamaInit, captionUp)
	if features > c.Caption {
		up.Pick(c.Caption, padded(c.Caption, features))
	}
	s.Input = input.Text{
		Up: up, Down: p.Matrix(c.Dim, c.Dim, llamaInit, "cls_embedding.cap_proj.fc2.weight"),
		Then: input.Embedding{Table: p.Table(c.Dim, llamaInit, nn.Part{Name: "tok_embeddings.weight", Rows: c.Vocab}, nn.Part{Rows: 1})},
	}
	none, err := w.Floats("cls_embedding.uncond_embedding")
	return func(q system.Prompt) (order.Conditions, error) {
		condition := order.Conditions{Stage: input.TextStage}
		n := len(q.Text) / c.Caption
		if n < 1 || n > c.Text || len(q.Text) != n*c.Caption {
			return condition, fmt.Errorf("systems: %w: %d features of text, want 1 to %d rows of %d", system.ErrPrompt, len(q.Text), c.Text, c.Caption)
		}
		for range n {
			g.Condition(&condition.Rows, -1)
			g.Condition(&condition.Other, -1)
		}
		condition.Rows.Features = q.Text
		condition.Other.Features = none[len(none)-len(q.Text):]
		return condition, nil
	}, err
}
