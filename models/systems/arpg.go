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
		Name: "arpg", Title: "ARPG", Paper: "2503.10568", Papers: []string{"2405.05254"}, Kind: "image",
		Tensors: []string{"embeddings.weight", "layers.self_dec.0.attn.to_q.weight", "layers.cross_dec.0.attn.to_q.weight", "layers.to_k.weight", "head.weight"}, Open: openARPG,
	})
}

// arpg is LlamaGen's description, with names of tensors of its own and what upstream's
// sampling takes as arguments.
type arpg struct {
	llama
	Sets  int         `json:"num_iter"`
	Ramp  system.Ramp `json:"cfg_schedule"`
	Share string      `json:"sample_schedule"`
}

// arpgShares are upstream's sample schedules.
var arpgShares = map[string]order.Share{"arccos": order.ArcCosine, "cosine": order.Cosine}

// readARPG reads a description and the shapes of the tensors.
func readARPG(config json.RawMessage, w nn.Weights) (*arpg, error) {
	c := &arpg{llama: llama{Eps: 1e-5, RopeBase: 10000, Text: 1, Rope: "2d"}, Sets: 64, Ramp: system.Linear, Share: "arccos"}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	half := blocksOf(w, "layers.self_dec.%d.attn.to_q.weight")
	c.Dim, c.Vocab, c.hidden, c.Layers = dim(w, "embeddings.weight", 1), dim(w, "head.weight", 0), dim(w, "layers.self_dec.0.ffn.w1.weight", 0), 2*half
	c.Classes = dim(w, "embeddings.weight", 0) - c.Vocab - 3 // behind the mask, and before two rows of no class and no token
	if c.Heads == 0 {
		c.Heads = publishedHeads[[2]int{c.Dim, c.Layers}]
	}
	if n := blocksOf(w, "layers.cross_dec.%d.attn.to_q.weight"); n != half || c.Classes < 1 || !within(c.Sets, 1, 1<<16) || arpgShares[c.Share] == nil || c.Ramp != system.Linear && c.Ramp != system.Constant {
		return nil, fmt.Errorf("systems: %w: %d and %d blocks, %d classes, %d sets, %q, %q", nn.ErrConfig, half, n, c.Classes, c.Sets, c.Share, c.Ramp)
	}
	return c, c.check(c.Layers)
}

// openARPG opens "Autoregressive Image Generation with Randomized Parallel Decoding",
// arXiv:2503.10568. The first blocks read what is drawn, in random order. The others ask
// it about positions, all of a set at once.
func openARPG(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readARPG(config, w)
	if err != nil {
		return nil, err
	}
	side, err := c.side()
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	n := side * side
	return &system.System{
		Name: "arpg", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Vocab}, Grid: [3]int{1, side, side},
		Layout:   system.Layout{Fixed: 1, Inputs: 1, Axes: 2, Context: 1 + n, Length: 1 + n, Group: n},
		Input:    input.Embedding{Table: p.Table(c.Dim, llamaInit, nn.Part{Name: "embeddings.weight", Rows: c.Vocab + c.Classes + 3})},
		Trunk:    c.trunk(p),
		Head:     head.Softmax{Linear: head.Linear{Out: c.out(p, "norm.weight", "head.weight")}},
		Default:  system.Sampling{Temperature: 1, Guidance: 4},
		Schedule: func(q system.Prompt) (system.Schedule, error) { return c.schedule(side, q) },
	}, nil
}

// arpgTrunk reads in stage 0, and predicts in stage 1.
type arpgTrunk struct {
	read   nn.Stack
	shared *nn.Shared
	ask    []*nn.Cross
}

func (c *arpg) trunk(p nn.Params) *arpgTrunk {
	t, rope := &arpgTrunk{}, c.rope2D()
	for i := range c.Layers / 2 {
		q := p.In("layers.self_dec.%d.", i)
		b := &nn.Block{Name: fmt.Sprint("self", i), Attention: p.Attention(nn.Attention{Heads: c.Heads, HeadDim: c.Dim / c.Heads, Rope: rope})}
		b.QKV = q.Matrix(3*c.Dim, c.Dim, llamaInit, "attn.to_q.weight", "attn.to_k.weight", "attn.to_v.weight").After(q.RMS(c.Dim, c.Eps, "attn_norm.weight"))
		b.Out, b.MLP = c.rest(q)
		t.read = append(t.read, b)
	}
	t.shared = &nn.Shared{
		KeysValues: p.Matrix(2*c.Dim, c.Dim, llamaInit, "layers.to_k.weight", "layers.to_v.weight").After(p.RMS(c.Dim, c.Eps, "layers.norm.weight")),
		Attention:  p.Attention(nn.Attention{Heads: c.Heads, HeadDim: c.Dim / c.Heads, Rope: rope}),
	}
	for i := range c.Layers / 2 {
		q := p.In("layers.cross_dec.%d.", i)
		b := &nn.Cross{Name: fmt.Sprint("cross", i), Shared: t.shared}
		b.Query = q.Matrix(c.Dim, c.Dim, llamaInit, "attn.to_q.weight").After(q.RMS(c.Dim, c.Eps, "attn_norm.weight"))
		b.Out, b.MLP = c.rest(q)
		t.ask = append(t.ask, b)
	}
	return t
}

// rest declares what both kinds of block have behind their attention.
func (c *arpg) rest(p nn.Params) (out *nn.Matrix, m nn.MLP) {
	out = p.Matrix(c.Dim, c.Dim, llamaInit, "attn.proj.weight")
	m.GateUp = p.Matrix(2*c.hidden, c.Dim, llamaInit, "ffn.w1.weight", "ffn.w3.weight").After(p.RMS(c.Dim, c.Eps, "ffn_norm.weight"))
	m.Down = p.Matrix(c.Dim, c.hidden, llamaInit, "ffn.w2.weight")
	return out, m
}

// Forward implements system.Trunk.
func (t *arpgTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	d := g.(*nn.Inference)
	if g.Stage() == 0 {
		x = t.read.Forward(g, x)
		t.shared.Write(d, x)
		return x
	}
	for _, b := range t.ask {
		x = b.Forward(d, x)
	}
	return x
}

// schedule returns the runs of a class; -1 is none.
func (c *arpg) schedule(side int, q system.Prompt) (system.Schedule, error) {
	d := drawing{Sets: c.Sets, Ramp: c.Ramp}
	steps, err := d.setsOf(q, c.Classes)
	if err != nil {
		return nil, err
	}
	if _, err := d.ramp(q, 1); err != nil {
		return nil, err
	}
	none := int32(c.Vocab + 1 + c.Classes)
	class := none
	if q.Class >= 0 {
		class = int32(c.Vocab + 1 + q.Class)
	}
	t := order.Targets{H: side, W: side, Steps: steps, Order: q.Order, Class: class, Other: none, Mask: int32(c.Vocab), Unknown: arpgShares[c.Share]}
	if q.Ramp == system.Linear || q.Ramp == "" && c.Ramp == system.Linear { // unlike MAR's, up to the whole
		t.Scale = func(known int) float32 {
			return 1 + (max(q.Guidance, 1)-1)*float32(known)/float32(side*side)
		}
	}
	return t.Schedule()
}
