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
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	grid := order.Grid{T: 1, H: side, W: side}
	s := &system.System{
		Name: "llamagen", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, side, side},
		Layout: system.Layout{Fixed: 1, Inputs: 1, Axes: 2, Context: c.Text + c.Block, Length: c.Text + c.Block, Group: 1, Features: c.Caption},
	}
	switch {
	case c.Caption > 0 && w == nil:
		err = fmt.Errorf("systems: %w: captions cannot be trained: shards have no features of texts", nn.ErrConfig)
	case c.Caption > 0:
		err = c.fromText(s, p, grid, w)
	default:
		c.fromClass(s, p, grid)
	}
	s.Trunk = c.trunk(p, 0, c.Layers, c.rope2D())
	s.Head = head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "output.weight")}}
	s.Default, s.Dropout = system.Sampling{Temperature: 1, Guidance: 2}, c.Dropout
	return s, err
}

func (c *llama) fromClass(s *system.System, p nn.Params, g order.Grid) {
	s.Layout.Base = c.Classes + 1
	s.Input, s.Flatten = c.embeddings(p), c.lay(g)
	s.Schedule = func(q system.Prompt) (system.Schedule, error) {
		condition, err := c.class(g, q)
		return g.Raster(condition, guide(q, func(before int) bool { return before-1 > q.Interval })), err
	}
}

// fromText reads the features of a text in a stage of their own. It leaves padding out,
// since no other row sees it. The branch without the condition reads as many learned
// features.
func (c *llama) fromText(s *system.System, p nn.Params, g order.Grid, w nn.Weights) error {
	s.Input = input.Text{
		Up:   p.Matrix(c.Dim, c.Caption, llamaInit, captionUp),
		Down: p.Matrix(c.Dim, c.Dim, llamaInit, "cls_embedding.cap_proj.fc2.weight"),
		Then: input.Embedding{Table: p.Table(c.Dim, llamaInit, nn.Part{Name: "tok_embeddings.weight", Rows: c.Vocab}, nn.Part{Rows: 1})},
	}
	none, err := w.Floats("cls_embedding.uncond_embedding")
	if err != nil {
		return err
	}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) {
		n := len(q.Text) / c.Caption
		if n < 1 || n > c.Text || len(q.Text) != n*c.Caption {
			return nil, fmt.Errorf("systems: %w: %d features of text, want 1 to %d rows of %d", system.ErrPrompt, len(q.Text), c.Text, c.Caption)
		}
		condition := order.Conditions{Stage: input.TextStage}
		for range n {
			g.Condition(&condition.Rows, -1)
			g.Condition(&condition.Other, -1)
		}
		condition.Rows.Features = q.Text
		condition.Other.Features = none[len(none)-len(q.Text):]
		return g.Raster(condition, guide(q, func(before int) bool { return before-1 > q.Interval })), nil
	}
	return nil
}
