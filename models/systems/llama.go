package systems

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// llama describes LlamaGen's network and those built on it. The names are those of
// upstream's ModelArgs. Without config.json the sizes come from the shapes of the
// tensors.
type llama struct {
	Dim      int     `json:"dim"`
	Layers   int     `json:"n_layer"`
	Heads    int     `json:"n_head"`
	Vocab    int     `json:"vocab_size"`
	Classes  int     `json:"num_classes"`
	Block    int     `json:"block_size"` // tokens of an image
	Text     int     `json:"cls_token_num"`
	Caption  int     `json:"caption_dim"`
	Eps      float32 `json:"norm_eps"`
	RopeBase float64 `json:"rope_base"`
	Special  int     `json:"spe_token_num"`
	Latent   []int   `json:"latent_shape"`
	Multiple int     `json:"multiple_of"` // of the hidden width, where no shape tells it
	Dropout  float64 `json:"class_dropout_prob"`
	Rope     string  `json:"rope"` // "1d" or "2d", a name of ours: D-AR's tensors are LlamaGen's
	hidden   int
}

const (
	classTable = "cls_embedding.embedding_table.weight"
	captionUp  = "cls_embedding.cap_proj.fc1.weight"
)

// publishedHeads has the heads of the published sizes, by width and layers. Shapes do
// not tell this number.
var publishedHeads = map[[2]int]int{
	{768, 12}: 12, {1024, 24}: 16, {1280, 36}: 20, {1536, 48}: 24, {2560, 48}: 40, {2048, 22}: 32, {3200, 24}: 32, {4096, 32}: 32, {1280, 30}: 20,
}

// readLlama reads a description, and takes the sizes that tensors have from their
// shapes. Without weights, of a network that is to be trained, it takes upstream's.
// Behind is the number of blocks behind the trunk, which belong to further heads.
func readLlama(config json.RawMessage, w nn.Weights, behind int) (*llama, error) {
	c := &llama{Eps: 1e-5, RopeBase: 10000, Text: 1, Dropout: 0.1, Rope: "2d"}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if w == nil {
		return c, c.fresh()
	}
	set := func(p *int, name string, axis int) {
		if shape, ok := w.Shape(name); ok && axis < len(shape) {
			*p = shape[axis]
		}
	}
	set(&c.Vocab, "tok_embeddings.weight", 0)
	set(&c.Dim, "tok_embeddings.weight", 1)
	set(&c.hidden, "layers.0.feed_forward.w1.weight", 0)
	classes := 0
	set(&classes, classTable, 0)
	if classes > 0 {
		c.Classes = classes - 1 // the last row is that of no class
	}
	set(&c.Caption, captionUp, 1)
	set(&c.Text, "cls_embedding.uncond_embedding", 0)
	set(&c.Special, "spe_tok_embeddings.special_embeddings.weight", 0)
	blocks := 0
	for ; ; blocks++ {
		if _, ok := w.Shape(fmt.Sprintf("layers.%d.attention.wqkv.weight", blocks)); !ok {
			break
		}
	}
	if c.Layers == 0 {
		c.Layers = blocks - behind
	}
	if c.Heads == 0 {
		c.Heads = publishedHeads[[2]int{c.Dim, c.Layers}]
	}
	return c, c.check(blocks - behind)
}

// fresh fills in what upstream's code takes where its arguments say nothing.
func (c *llama) fresh() error {
	c.Vocab, c.Classes, c.Multiple = cmp.Or(c.Vocab, 16384), cmp.Or(c.Classes, 1000), cmp.Or(c.Multiple, 256)
	if c.Dim < 0 || c.Dim > 1<<14 || c.Multiple < 1 || c.Multiple > 1<<14 {
		return fmt.Errorf("systems: %w: width %d, hidden width a multiple of %d", nn.ErrConfig, c.Dim, c.Multiple)
	}
	c.hidden = (8*c.Dim/3 + c.Multiple - 1) / c.Multiple * c.Multiple
	return c.check(c.Layers)
}

func (c *llama) check(blocks int) error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	switch {
	case !in(c.Dim, 8, 1<<14) || !in(c.Layers, 1, 256) || c.Layers > blocks || !in(c.hidden, 2, 1<<17) || !in(c.Vocab, 2, 1<<18):
		return fmt.Errorf("systems: %w: width %d, %d of %d layers, hidden width %d, vocabulary %d", nn.ErrConfig, c.Dim, c.Layers, blocks, c.hidden, c.Vocab)
	case c.Rope != "1d" && c.Rope != "2d":
		return fmt.Errorf("systems: %w: rotary positions %q, want 1d or 2d", nn.ErrConfig, c.Rope)
	case c.Heads == 0:
		return fmt.Errorf("systems: %w: width %d with %d layers is no published size: say n_head in config.json", nn.ErrConfig, c.Dim, c.Layers)
	case c.Dim%(2*c.Heads) != 0:
		return fmt.Errorf("systems: %w: %d heads for width %d", nn.ErrConfig, c.Heads, c.Dim)
	case !in(c.Block, 0, 1<<16) || !in(c.Text, 1, 1<<12) || !in(c.Classes, 0, 1<<20) || !in(c.Caption, 0, 1<<16) || !in(c.Special, 0, 1<<12) || !(c.RopeBase > 1) || !(c.Dropout >= 0 && c.Dropout <= 1):
		return fmt.Errorf("systems: %w: block %d, %d condition tokens, %d classes, caption width %d", nn.ErrConfig, c.Block, c.Text, c.Classes, c.Caption)
	}
	return nil
}

// side returns the side of a square image in tokens. By default that is of 256 pixels
// at a sixteenth.
func (c *llama) side() (int, error) {
	if c.Block == 0 {
		c.Block = 256
	}
	side := int(math.Round(math.Sqrt(float64(c.Block))))
	if side*side != c.Block {
		return 0, fmt.Errorf("systems: %w: %d tokens are no square", nn.ErrConfig, c.Block)
	}
	return side, nil
}

// llamaInit has upstream's standard deviation of first weights.
var llamaInit = nn.Init{Std: 0.02}

// block declares block i. Networks with a table of positions have no rope.
func (c *llama) block(p nn.Params, i int, rope *nn.Rope) *nn.Block {
	p = p.In("layers.%d.", i)
	b := &nn.Block{Name: fmt.Sprint("block", i), Attention: p.Attention(nn.Attention{Heads: c.Heads, HeadDim: c.Dim / c.Heads, Rope: rope})}
	b.QKV = p.Matrix(3*c.Dim, c.Dim, llamaInit, "attention.wqkv.weight").After(p.RMS(c.Dim, c.Eps, "attention_norm.weight"))
	b.Out = p.Matrix(c.Dim, c.Dim, llamaInit, "attention.wo.weight")
	b.MLP = c.mlp(p)
	return b
}

// mlp declares the second half of a block.
func (c *llama) mlp(p nn.Params) (m nn.MLP) {
	m.GateUp = p.Matrix(2*c.hidden, c.Dim, llamaInit, "feed_forward.w1.weight", "feed_forward.w3.weight").After(p.RMS(c.Dim, c.Eps, "ffn_norm.weight"))
	m.Down = p.Matrix(c.Dim, c.hidden, llamaInit, "feed_forward.w2.weight")
	return m
}

// trunk declares the blocks [from, to).
func (c *llama) trunk(p nn.Params, from, to int, rope *nn.Rope) (s nn.Stack) {
	for i := from; i < to; i++ {
		s = append(s, c.block(p, i, rope))
	}
	return s
}

// rope2D turns half of a head's pairs by the row of a token, and half by its column.
func (c *llama) rope2D() *nn.Rope {
	pairs := c.Dim / c.Heads / 2
	return &nn.Rope{Pairs: []int{pairs - pairs/2, pairs / 2}, Theta: c.RopeBase}
}

// rope1D turns all pairs by the number of a row.
func (c *llama) rope1D() *nn.Rope {
	return &nn.Rope{Pairs: []int{c.Dim / c.Heads / 2}, Theta: c.RopeBase}
}

// out declares the logits behind a norm.
func (c *llama) out(p nn.Params, norm, name string) *nn.Matrix {
	return p.Matrix(c.Vocab, c.Dim, llamaInit, name).After(p.RMS(c.Dim, c.Eps, norm))
}

// embeddings declares the table of a network with classes: their rows, those between,
// and those of tokens.
func (c *llama) embeddings(p nn.Params, between ...nn.Part) input.Embedding {
	parts := append([]nn.Part{{Name: classTable, Rows: c.Classes + 1}}, between...)
	return input.Embedding{Table: p.Table(c.Dim, llamaInit, append(parts, nn.Part{Name: "tok_embeddings.weight", Rows: c.Vocab}, nn.Part{Rows: 1})...)}
}

// class returns a condition of one row: the class, or no class in the other branch.
func (c *llama) class(g order.Grid, p system.Prompt) (order.Conditions, error) {
	var out order.Conditions
	if err := checkClass(p, 0, c.Classes); err != nil {
		return out, err
	}
	g.Condition(&out.Rows, int32(p.Class))
	g.Condition(&out.Other, int32(c.Classes))
	return out, nil
}

// checkClass returns an error wrapping [system.ErrPrompt] unless a prompt is a class of
// those from the first on.
func checkClass(p system.Prompt, first, classes int) error {
	switch {
	case p.Text != nil:
		return fmt.Errorf("systems: %w: it takes a class, not a text", system.ErrPrompt)
	case p.Class < first || p.Class >= classes:
		return fmt.Errorf("systems: %w: class %d, want 0 to %d", system.ErrPrompt, p.Class, classes-1)
	}
	return nil
}

// lay lays out the tokens of a picture of the grid's size. Metadata "class" has its class;
// without it the class is 0.
func (c *llama) lay(g order.Grid) func(shard.Sample) (system.Prompt, []uint32, error) {
	return func(s shard.Sample) (p system.Prompt, tokens []uint32, err error) {
		if s.Kind != shard.KindVQ || !slices.Equal(s.Grid, []int32{int32(g.H), int32(g.W)}) || len(s.Tokens) != g.Cells() {
			return p, nil, fmt.Errorf("systems: %w: %q is %s %v with %d tokens, want %s [%d %d]", shard.ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), shard.KindVQ, g.H, g.W)
		}
		if p, err = classed(s); err != nil {
			return p, nil, err
		}
		tokens, err = indices(s, c.Vocab)
		return p, tokens, err
	}
}

// guide turns upstream's interval of guidance into scales. It returns nil for guidance
// throughout.
func guide(p system.Prompt, off func(before int) bool) order.GuidanceScale {
	if p.Interval <= 0 {
		return nil
	}
	return func(before int) float32 {
		if off(before) {
			return 1
		}
		return max(p.Guidance, 1)
	}
}
