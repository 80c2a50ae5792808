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
		Name: "var", Title: "VAR", Paper: "2404.02905", Kind: "image", Tensors: []string{"pos_1LC", "lvl_embed.weight", "word_embed.weight", "head_nm.ada_lin.1.weight"}, Open: openVAR,
	})
}

// scaled describes VAR's network. The names are those of its authors. What tensors have
// comes from their shapes.
type scaled struct {
	Sides   []int   `json:"patch_nums"`
	Ratio   float32 `json:"quant_resi"` // of the quantiser's convolutions
	Eps     float32 `json:"norm_eps"`
	dim     int
	hidden  int
	heads   int
	blocks  int
	classes int
	vocab   int
	shared  bool
}

// publishedSides has the scales of the published models, by their tokens: 256 and 512
// pixels.
var publishedSides = map[int][]int{680: {1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, 2240: {1, 2, 3, 4, 6, 9, 13, 18, 24, 32}}

// varTokenizer is the prefix of the tensors of VAR's tokenizer, whose quantiser is a part
// of the network.
const varTokenizer = "vae."

func readVAR(config json.RawMessage, w nn.Weights) (*scaled, error) {
	c := &scaled{Ratio: 0.5, Eps: 1e-6}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	size := func(name string, axis int) int {
		if shape, ok := w.Shape(name); ok && axis < len(shape) {
			return shape[axis]
		}
		return 0
	}
	c.classes, c.dim = size("class_emb.weight", 0)-1, size("class_emb.weight", 1)
	c.heads, c.hidden, c.vocab = size("blocks.0.attn.scale_mul_1H11", 1), size("blocks.0.ffn.fc1.weight", 0), size("head.weight", 0)
	c.shared = size("shared_ada_lin.1.weight", 0) > 0
	for size(fmt.Sprintf("blocks.%d.attn.mat_qkv.weight", c.blocks), 0) > 0 {
		c.blocks++
	}
	tokens := size("pos_1LC", 1)
	if c.Sides == nil {
		c.Sides = publishedSides[tokens]
	}
	return c, c.check(tokens)
}

func (c *scaled) check(tokens int) error {
	n := 0
	for _, s := range c.Sides {
		if s < 1 || s > nn.MaxSide {
			return fmt.Errorf("systems: %w: patch_nums %v", nn.ErrConfig, c.Sides)
		}
		n += s * s
	}
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	switch {
	case n == 0 || n != tokens || len(c.Sides) < 2:
		return fmt.Errorf("systems: %w: %d positions, patch_nums %v", nn.ErrConfig, tokens, c.Sides)
	case !in(c.dim, 8, 1<<14) || !in(c.blocks, 1, 256) || !in(c.hidden, 2, 1<<17) || !in(c.vocab, 2, 1<<18) || !in(c.classes, 1, 1<<20):
		return fmt.Errorf("systems: %w: width %d, %d blocks, hidden width %d, vocabulary %d, %d classes", nn.ErrConfig, c.dim, c.blocks, c.hidden, c.vocab, c.classes)
	case c.heads < 1 || c.dim%(2*c.heads) != 0:
		return fmt.Errorf("systems: %w: %d heads for width %d; heads without a scale are not known", nn.ErrConfig, c.heads, c.dim)
	case !(c.Eps > 0) || !(c.Ratio >= 0 && c.Ratio <= 1):
		return fmt.Errorf("systems: %w: norm_eps %g, quant_resi %g", nn.ErrConfig, c.Eps, c.Ratio)
	}
	return nil
}

// openVAR opens "Visual Autoregressive Modeling: Scalable Image Generation via Next-Scale
// Prediction", arXiv:2404.02905. It predicts grids of growing sides, each at once. A grid
// is fed what the grids before it add up to, in the quantiser of its tokenizer.
func openVAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readVAR(config, w)
	if err != nil {
		return nil, err
	}
	q, err := nn.ReadResidual(w, varTokenizer+"quantize.", c.Sides, c.Ratio)
	if err != nil {
		return nil, err
	}
	if q.Values != c.vocab {
		return nil, fmt.Errorf("systems: %w: a code book of %d, a vocabulary of %d", nn.ErrWeights, q.Values, c.vocab)
	}
	p := nn.NewParams()
	tokens, side := q.Start(len(c.Sides)), q.Side()
	s := &system.System{
		Name: "var", Params: p.List(), Token: system.Token{Sub: 1, Values: c.vocab}, Grid: [3]int{1, side, side},
		Default: system.Sampling{Temperature: 1, TopK: 900, TopP: 0.96, Guidance: 2.5},
	}
	table := p.Table(
		c.dim, c.init(), nn.Part{Name: "class_emb.weight", Rows: c.classes + 1}, nn.Part{Name: "lvl_embed.weight", Rows: len(c.Sides)},
		nn.Part{Name: "pos_1LC", Rows: tokens}, nn.Part{Name: "pos_start", Rows: 1}, nn.Part{Name: "word_embed.bias", Rows: 1},
	)
	code := p.Accumulator(q, table.Rows)
	s.Layout = system.Layout{
		Conditions: 1, Fixed: 5, Fed: code.Fed, Axes: 3, Base: table.Rows, Context: tokens, Length: tokens, Group: side * side, Extra: code.Floats(),
	}
	s.Input = input.Accumulated{Table: table, Code: code, Word: p.Matrix(c.dim, q.Channels, c.init(), "word_embed.weight")}
	s.Trunk = c.trunk(p, table)
	s.Head = head.Softmax{Linear: head.Linear{Out: p.Matrix(c.vocab, c.dim, nn.Init{Std: 0.02 * c.init().Std}, "head.weight"), Bias: p.Vector(c.vocab, 0, "head.bias")}}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) { return c.schedule(q, code) }
	return s, nil
}

// init has upstream's standard deviation of first weights.
func (c *scaled) init() nn.Init { return nn.Init{Std: math.Sqrt(1 / float64(c.dim) / 3)} }

func (c *scaled) trunk(p nn.Params, table *nn.Table) *nn.AdaptiveStack {
	t := &nn.AdaptiveStack{Conditions: table, Eps: c.Eps}
	if c.shared {
		t.Shared = p.Linear(nn.Modulations*c.dim, c.dim, c.init(), "shared_ada_lin.1")
	}
	for i := range c.blocks {
		t.Blocks = append(t.Blocks, c.block(p.In("blocks.%d.", i), fmt.Sprint("block", i)))
	}
	t.Last = p.Linear(2*c.dim, c.dim, c.init(), "head_nm.ada_lin.1")
	return t
}

func (c *scaled) block(p nn.Params, name string) *nn.Adaptive {
	b := &nn.Adaptive{
		Name: name, Eps: c.Eps,
		QKV: &nn.Linear{W: p.Matrix(3*c.dim, c.dim, c.init(), "attn.mat_qkv.weight"), B: p.Stack(3*c.dim, "attn.q_bias", "", "attn.v_bias")},
		Out: p.Linear(c.dim, c.dim, c.init(), "attn.proj"), Up: p.Linear(c.hidden, c.dim, c.init(), "ffn.fc1"), Down: p.Linear(c.dim, c.hidden, c.init(), "ffn.fc2"),
		Attention: p.Attention(nn.Attention{
			Heads: c.heads, HeadDim: c.dim / c.heads, Cosine: &nn.Cosine{Log: p.Vector(c.heads, math.Log(4), "attn.scale_mul_1H11"), Cap: float32(math.Log(100))},
		}),
	}
	if c.shared {
		b.Offset = p.Vector(nn.Modulations*c.dim, 0, "ada_gss")
	} else {
		b.Modulate = p.Linear(nn.Modulations*c.dim, c.dim, c.init(), "ada_lin.1")
	}
	return b
}

// schedule goes through the scales. The scale of guidance grows from 1 to the prompt's,
// which is upstream's cfg and 1.
func (c *scaled) schedule(q system.Prompt, code *nn.Accumulator) (system.Schedule, error) {
	if q.Text != nil || q.Class < 0 || q.Class >= c.classes {
		return nil, fmt.Errorf("systems: %w: class %d of %d, %d features of text", system.ErrPrompt, q.Class, c.classes, len(q.Text))
	}
	last := len(c.Sides) - 1
	s := order.Scales{Sides: c.Sides, Fed: code.Fed, Fixed: c.fixed(q.Class, code), Other: c.fixed(c.classes, code)}
	s.Guide = func(k int) float32 { return 1 + max(q.Guidance-1, 0)*float32(k)/float32(last) }
	return s.Schedule(), nil
}

// fixed returns the ids of a row: the condition; the class at the start of the sequence;
// the scale; the place; the first place's own vector, or the bias of other scales' input.
func (c *scaled) fixed(class int, code *nn.Accumulator) func(scale, cell int) []int32 {
	levels := c.classes + 1
	places := levels + len(c.Sides)
	start := places + code.Start(len(c.Sides))
	return func(k, cell int) []int32 {
		own, special := -1, start+1
		if k == 0 {
			own, special = class, start
		}
		return []int32{int32(class), int32(own), int32(levels + k), int32(places + code.Start(k) + cell), int32(special)}
	}
}
