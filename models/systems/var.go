package systems

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/singular"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
)

func init() {
	system.Register(system.Published{
		Name: "var", Title: "VAR", Paper: "2404.02905", Kind: "image", Trains: true,
		Tensors: []string{"lvl_embed.weight", "pos_1LC", "pos_start", "word_embed.weight", "head_nm.ada_lin.1.weight"}, Open: openVAR,
	})
}

// next describes VAR's network. The names are those of upstream's arguments. What a
// description lacks comes from the shapes of the tensors.
type next struct {
	msvq.Config         // of the tokenizer
	Heads       int     `json:"num_heads"`
	Eps         float32 `json:"norm_eps"`
	Dropout     float64 `json:"cond_drop_rate"`
	// Sizes of a network that is to be trained.
	Width      int     `json:"embed_dim"`
	Depth      int     `json:"depth"`
	Ratio4     float64 `json:"mlp_ratio"`
	Classes    int     `json:"num_classes"`
	SharedNorm bool    `json:"shared_aln"`
	Unit       bool    `json:"attn_l2_norm"`
	// Smooth makes tokens that lie between codes, see smooth. It draws only.
	Smooth bool `json:"more_smooth"`
	// Spectrum is by scale what the singular directions of its input are scaled by, for more
	// various pictures, after arXiv:2511.17074. The name is ours. It draws only.
	Spectrum []float32 `json:"spectrum"`

	width, depth, hidden, classes int
	tokens                        int // of the tensors
	unit, shared                  bool
}

// varSides are the scales of the published networks, by their number of tokens.
var varSides = map[int][]int{680: {1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, 2240: {1, 2, 3, 4, 6, 9, 13, 18, 24, 32}}

// readVAR reads a description and the shapes of the tensors.
func readVAR(config json.RawMessage, w nn.Weights) (*next, error) {
	c, err := readNext(config, w)
	if err != nil {
		return nil, err
	}
	return c, c.check(c.tokens)
}

// readNext is readVAR without a check.
func readNext(config json.RawMessage, w nn.Weights) (*next, error) {
	c := &next{Config: msvq.Default(), Eps: 1e-6, Dropout: 0.1, Ratio4: 4, Classes: 1000, Unit: true}
	c.Sides = nil
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if w == nil {
		w = c.fresh()
	}
	dim := func(name string, axis int) int { return dim(w, name, axis) }
	tokens := dim("pos_1LC", 1)
	if c.Sides == nil {
		c.Sides = varSides[tokens]
	}
	c.width, c.depth, c.hidden = dim("pos_1LC", 2), blocksOf(w, "blocks.%d.attn.mat_qkv.weight"), dim("blocks.0.ffn.fc1.weight", 0)
	c.classes, c.Codes, c.Dim = dim("class_emb.weight", 0)-1, dim("head.weight", 0), dim("word_embed.weight", 1)
	_, c.unit = w.Shape("blocks.0.attn.scale_mul_1H11")
	_, c.shared = w.Shape("shared_ada_lin.1.weight")
	if c.Heads == 0 {
		c.Heads = c.depth // of the published networks
	}
	c.tokens = tokens
	return c, nil
}

// fresh are the shapes of a network that is to be trained, as far as they tell sizes.
func (c *next) fresh() nn.Weights {
	s := shapesOf{
		"pos_1LC": {1, c.Tokens(), c.Width}, "blocks.0.ffn.fc1.weight": {int(c.Ratio4 * float64(c.Width)), c.Width}, "class_emb.weight": {c.Classes + 1, c.Width},
		"head.weight": {c.Codes, c.Width}, "word_embed.weight": {c.Width, c.Dim},
	}
	for i := range min(c.Depth, 1<<10) {
		s[fmt.Sprintf("blocks.%d.attn.mat_qkv.weight", i)] = nil
	}
	if c.Unit {
		s["blocks.0.attn.scale_mul_1H11"] = nil
	}
	if c.SharedNorm {
		s["shared_ada_lin.1.weight"] = nil
	}
	return s
}

func (c *next) check(tokens int) error {
	in := func(x, lo, hi int) bool { return x >= lo && x <= hi }
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("systems: %w: %w", nn.ErrConfig, err)
	}
	switch {
	case !in(c.width, 8, 1<<14) || !in(c.depth, 1, 256) || !in(c.hidden, 2, 1<<17) || !in(c.Heads, 1, 1<<10) || c.width%(2*c.Heads) != 0:
		return fmt.Errorf("systems: %w: width %d, %d blocks, %d heads, hidden width %d", nn.ErrConfig, c.width, c.depth, c.Heads, c.hidden)
	case len(c.Spectrum) > len(c.Sides) || slices.ContainsFunc(c.Spectrum, func(x float32) bool { return !(x >= -10 && x <= 10) }):
		return fmt.Errorf("systems: %w: a spectrum of %v for scales %v", nn.ErrConfig, c.Spectrum, c.Sides)
	case len(c.Spectrum) > 0 && c.Dim > singular.MaxColumns || c.Smooth && (c.Dim%2 != 0 || c.Codes%2 != 0):
		return fmt.Errorf("systems: %w: %d codes of %d numbers: a spectrum takes %d numbers, and smooth tokens an even number of both", nn.ErrConfig, c.Codes, c.Dim, singular.MaxColumns)
	case c.Tokens() != tokens || !in(c.classes, 1, 1<<20) || !(c.Eps > 0) || !(c.Dropout >= 0 && c.Dropout <= 1):
		return fmt.Errorf("systems: %w: scales %v make %d tokens, the network has %d; %d classes", nn.ErrConfig, c.Sides, c.Tokens(), tokens, c.classes)
	}
	return nil
}

// openVAR opens "Visual Autoregressive Modeling", arXiv:2404.02905. A transformer predicts
// all tokens of the next larger scale at once, from the sum of those before.
func openVAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readVAR(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	n, last := c.Tokens(), c.Side()
	in, book := c.input(p)
	s := &system.System{
		Name: "var", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Codes}, Grid: [3]int{1, last, last},
		Layout: system.Layout{
			Fixed: 4, Inputs: max(order.FedByRow(len(c.Sides), func(k int) int { return c.Sides[k] * c.Sides[k] }), 1), Axes: 1, Context: n, Length: n, Group: last * last, Places: 1, State: c.width, Raw: true,
		},
		Input: in, Trunk: c.trunk(p),
		Default: system.Sampling{Temperature: 1, TopK: 900, TopP: 0.96, Guidance: 2.5}, Dropout: c.Dropout, Flatten: c.lay,
	}
	if c.Smooth {
		s.Token.Sub, s.Token.Width, s.Layout.Raw, s.Flatten = 0, c.Dim, false, nil
	}
	s.Passes = []system.Pass{{Runs: []int{0}, Rows: 1}, {Stage: system.AllStages, Rows: n}}
	for k := range c.Sides {
		s.Passes[1].Runs = append(s.Passes[1].Runs, k+1)
	}
	modulation := p.Linear(2*c.width, c.width, varInit, "head_nm.ada_lin.1")
	out := p.Linear(c.Codes, c.width, varInit, "head")
	indices := head.Modulated{Softmax: head.Softmax{Linear: head.Linear{Out: out.W, Bias: out.B}}, Modulation: modulation, Eps: c.Eps}
	s.Head = indices
	if c.Smooth {
		s.Head = head.Smooth{Modulated: indices, Book: book, Of: c.smooth}
	}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) { return c.schedule(s.Layout.Inputs, q) }
	return s, nil
}

var varInit = nn.Init{Std: 0.02}

// input declares the table of conditions, the start, levels and places, and the quantizer
// of the tokenizer, whose names have the prefix vae.
func (c *next) input(p nn.Params) (in varInput, book *nn.Frozen) {
	frozen := c.quantizer(p)
	book = frozen[c.Params()[0].Name]
	return varInput{input.Accumulated{
		Spectrum: c.Spectrum, Width: c.Dim, Word: &nn.Linear{W: p.Matrix(c.width, c.Dim, varInit, "word_embed.weight")},
		Table: p.Table(c.width, varInit, nn.Part{Name: "class_emb.weight", Rows: c.classes + 1}, nn.Part{Name: "pos_start", Rows: 1, Ones: 1},
			nn.Part{Name: "word_embed.bias", Rows: 1}, nn.Part{Name: "lvl_embed.weight", Rows: len(c.Sides)}, nn.Part{Name: "pos_1LC", Rows: c.Tokens(), Ones: 1}),
		Scales: c.scales(frozen),
	}, len(c.Sides)}, book
}

// quantizer declares the tensors of the tokenizer's quantizer.
func (c *next) quantizer(p nn.Params) map[string]*nn.Frozen {
	frozen := map[string]*nn.Frozen{}
	for _, x := range c.Params() {
		frozen[x.Name] = p.Frozen(x.Frozen("vae."))
	}
	return frozen
}

// scales returns the quantizer, and the scale that a stage predicts.
func (c *next) scales(frozen map[string]*nn.Frozen) func(g nn.Graph, stage int) (input.Scales, int) {
	return func(g nn.Graph, stage int) (input.Scales, int) {
		return msvq.Quantizer{Config: c.Config, Weight: func(name string) *gpu.Tensor { return g.Frozen(frozen[name]) }, Smooth: c.Smooth}, stage - 1
	}
}

// smooth returns how a stage makes tokens between codes: what logits are multiplied by, and
// the temperature of the weights. Both are upstream's, by the share of the scales before.
func (c *next) smooth(stage int) (gain, tau float32) {
	share := float64(stage-1) / float64(max(len(c.Sides)-1, 1))
	return float32(1 + share), float32(max(0.27*(1-0.95*share), 0.005))
}

// varInput keeps the condition in stage 0. Stage k+1 predicts scale k, and system.AllStages
// all of them.
type varInput struct {
	input.Accumulated
	scales int
}

// Record implements system.Input.
func (in varInput) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case 0:
		return g.SiLU(g.Embed(in.Table))
	case system.AllStages:
		return in.All(g, stage, in.scales)
	}
	return in.Accumulated.Record(g, stage)
}

// varTrunk keeps the condition in stage 0, and is the network in the others.
type varTrunk struct{ nn.Adaptives }

func (c *next) trunk(p nn.Params) (t varTrunk) {
	var shared *nn.Matrix
	if c.shared {
		shared = p.Matrix(6*c.width, c.width, varInit, "shared_ada_lin.1.weight")
	}
	for i := range c.depth {
		t.Adaptives = append(t.Adaptives, c.block(p.In("blocks.%d.", i), i, shared))
	}
	return t
}

func (c *next) block(p nn.Params, i int, shared *nn.Matrix) *nn.Adaptive {
	b := &nn.Adaptive{Name: fmt.Sprint("block", i), Parts: nn.GatesFirst, Eps: c.Eps}
	if shared == nil {
		b.Modulation = p.Linear(6*c.width, c.width, varInit, "ada_lin.1")
	} else {
		b.Modulation = &nn.Linear{W: shared, B: p.Sum(6*c.width, "shared_ada_lin.1.bias", "ada_gss")}
	}
	b.QKV = &nn.Linear{W: p.Matrix(3*c.width, c.width, varInit, "attn.mat_qkv.weight"), B: p.Stack(3*c.width, "attn.zero_k_bias", "attn.q_bias", "attn.zero_k_bias", "attn.v_bias")}
	a := nn.Attention{Heads: c.Heads, HeadDim: c.width / c.Heads}
	if c.unit {
		a.Scale = 1
		b.Scale = p.Vector(c.Heads, math.Log(4), "attn.scale_mul_1H11")
	} else {
		a.Scale = float32(0.25) / float32(math.Sqrt(float64(a.HeadDim)))
	}
	b.Attention = p.Attention(a)
	b.Out = p.Linear(c.width, c.width, varInit, "attn.proj")
	b.Up, b.Down = p.Linear(c.hidden, c.width, varInit, "ffn.fc1"), p.Linear(c.width, c.hidden, varInit, "ffn.fc2")
	return b
}

// Forward implements system.Trunk.
func (t varTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	if g.Stage() == 0 {
		g.Keep(x)
		return x
	}
	return t.Adaptives.Forward(g, x)
}

// lay lays out the tokens of a picture, scale by scale. Metadata "class" has its class;
// without it the class is 0.
func (c *next) lay(s shard.Sample) (p system.Prompt, tokens []uint32, err error) {
	if s.Kind != shard.KindScales || !slices.EqualFunc(s.Grid, c.Sides, func(a int32, b int) bool { return int(a) == b }) || len(s.Tokens) != c.Tokens() {
		return p, nil, fmt.Errorf("systems: %w: %q is %s %v with %d tokens, want %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), shard.KindScales, c.Sides)
	}
	if p, err = classed(s); err != nil {
		return p, nil, err
	}
	tokens, err = indices(s, c.Codes)
	return p, tokens, err
}

// schedule returns the runs of a class; -1 is none. The guidance grows with the scales:
// the first has none.
func (c *next) schedule(fed int, q system.Prompt) (system.Schedule, error) {
	if err := checkClass(q, -1, c.classes); err != nil {
		return nil, err
	}
	none := int32(c.classes)
	class := none
	if q.Class >= 0 {
		class = int32(q.Class)
	}
	scale := func(k int) float32 { return growing(q.Guidance, k, len(c.Sides)) }
	if q.Ramp == system.Constant {
		scale = nil
	}
	return order.Pyramid{
		Sides: c.Sides, Class: class, Other: none, Start: none + 1, Bias: none + 2, Levels: none + 3, Places: none + 3 + int32(len(c.Sides)), Fed: fed, Scale: scale,
	}.Schedule(), nil
}

// growing is the scale of guidance at scale k of n: none at the first, all at the last.
func growing(guidance float32, k, n int) float32 {
	return 1 + max(guidance-1, 0)*float32(k)/float32(max(n-1, 1))
}
