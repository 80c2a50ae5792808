package systems

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
	"github.com/morton-gen/morton/models/tokenizer/planes"
)

func init() {
	system.Register(system.Published{
		Name: "sar3d", Title: "SAR3D", Paper: "2411.16856", Kind: system.Shape,
		Tensors: []string{"plane_embed.weight", "pooler_emb.weight", "lvl_embed.weight", "pos_1LC", "word_embed.weight", "blocks.0.cross_attn.mat_kv.weight"}, Open: openSAR3D,
	})
}

// sar3d describes SAR3D's network, by the names of upstream's arguments. What a description
// lacks comes from the shapes of the tensors.
type sar3d struct {
	planes.Config         // of the tokenizer
	Heads         int     `json:"num_heads"`
	Eps           float32 `json:"norm_eps"`
	// Variant is the condition, image or text. It says in which order a block looks at it. ""
	// means text where a row has as many features as CLIP's, and image elsewhere.
	Variant string `json:"variant"`
	Rows    int    `json:"condition_rows"` // of the features of a condition at most; a name of ours

	width, depth, hidden, features int
	none                           []float32 // features of no condition, see condition; nil: unknown
}

const (
	sarCLIP  = 768 // features of a row of the published text encoder
	sarBlock = "blocks.%d."
	sarEps   = 1e-12 // upstream divides by a length that is not 0
)

// sarRows are rows of the features of the published conditions.
var sarRows = map[string]int{"image": 256, "text": 77}

// readSAR3D reads a description and the shapes of the tensors.
func readSAR3D(config json.RawMessage, w nn.Weights) (*sar3d, error) {
	c := &sar3d{Config: planes.Default(), Eps: 1e-6}
	c.Sides = nil
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	tokens := dim(w, "pos_1LC", 1)
	if c.Sides == nil {
		c.Sides = varSides[tokens/planes.Count]
	}
	c.width, c.depth, c.hidden, c.features = dim(w, "pos_1LC", 2), blocksOf(w, sarBlock+"attn.mat_qkv.weight"), dim(w, "blocks.0.ffn.fc1.weight", 0), dim(w, "pooler_emb.weight", 1)
	c.Codes, c.Dim = dim(w, "head.weight", 0), dim(w, "word_embed.weight", 1)
	if c.Heads == 0 {
		c.Heads = dim(w, "blocks.0.attn.scale_mul_1H11", 1)
	}
	if c.Variant == "" {
		c.Variant = "image"
		if c.features == sarCLIP {
			c.Variant = "text"
		}
	}
	if c.Rows == 0 {
		c.Rows = sarRows[c.Variant]
	}
	if err := c.check(tokens); err != nil {
		return nil, err
	}
	return c, c.readNone(w)
}

func (c *sar3d) check(tokens int) error {
	in := within
	if err := c.Validate(); err != nil {
		return fmt.Errorf("systems: %w: %w", nn.ErrConfig, err)
	}
	switch {
	case !in(c.width, 8, 1<<14) || !in(c.depth, 1, 256) || !in(c.hidden, 2, 1<<17) || !in(c.Heads, 1, 1<<10) || c.width%(2*c.Heads) != 0 || c.width/c.Heads > attention.MaxHeadDim:
		return fmt.Errorf("systems: %w: width %d, %d blocks, %d heads, hidden width %d", nn.ErrConfig, c.width, c.depth, c.Heads, c.hidden)
	case planes.Count*c.Tokens() != tokens || !(c.Eps > 0):
		return fmt.Errorf("systems: %w: scales %v make %d tokens of %d planes, the network has %d", nn.ErrConfig, c.Sides, planes.Count*c.Tokens(), planes.Count, tokens)
	case sarRows[c.Variant] == 0 || !in(c.Rows, 1, 1<<12) || !in(c.features, 2, 1<<14) || c.features%2 != 0:
		return fmt.Errorf("systems: %w: the variant %q, of %d rows of %d features", nn.ErrConfig, c.Variant, c.Rows, c.features)
	}
	return nil
}

// noneName are the features of no condition, which guidance wants, laid out as a request's.
// Upstream keeps them in files beside its code.
const noneName = "none.features"

// errNone reports guidance without them.
func errNone(guidance float32) error {
	return fmt.Errorf("systems: %w: guidance of %g wants the features of no condition beside the model, in none.safetensors; up to 1 is none", system.ErrPrompt, guidance)
}

func (c *sar3d) readNone(w nn.Weights) (err error) {
	if _, ok := w.Shape(noneName); !ok {
		return nil
	}
	if c.none, err = w.Floats(noneName); err == nil {
		_, err = c.condition(c.none, nn.ErrWeights)
	}
	return err
}

// condition checks the features of a condition: a row that stands for the whole, and behind it
// those of the parts, of which it returns the number.
func (c *sar3d) condition(x []float32, kind error) (rows int, err error) {
	n := len(x) / c.features
	if len(x) != n*c.features || n < 2 || n-1 > c.Rows {
		return 0, fmt.Errorf("systems: %w: %d features of a condition, want a row of %d and up to %d more", kind, len(x), c.features, c.Rows)
	}
	return n - 1, nil
}

// The stages but those of scales, see [order.Pyramid].
func (c *sar3d) readStage() int { return len(c.Sides) + 1 }

// The kept states: what norms are modulated by, and what the first scale starts from.
const (
	sarModulation = iota
	sarFirst
	sarPlaces
)

// The coordinates of a row. It has no position, but sees so many rows of the condition.
const (
	sarCount = 1
	sarAxes  = 2
)

// openSAR3D opens "SAR3D: Autoregressive 3D Object Generation and Understanding via
// Multi-scale 3D VQVAE", arXiv:2411.16856. A transformer predicts all tokens of the next
// larger scale of three planes at once, from the sums of those before, and looks at the
// features of an image or a text.
func openSAR3D(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readSAR3D(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	n, group := planes.Count*c.Tokens(), max(c.size(len(c.Sides)-1), c.Rows+1)
	s := &system.System{
		Name: "sar3d", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Codes}, Grid: [3]int{planes.Count, c.Side(), c.Side()}, Text: c.features,
		Layout: system.Layout{
			Fixed: 4, Inputs: max(order.FedByRow(len(c.Sides), c.size), 1), Axes: sarAxes, Ranges: 1, Context: c.Rows + n, Length: max(n, group), Group: group,
			Features: c.features, FeatureRows: c.Rows + 2, Places: sarPlaces, Recalls: sarPlaces, State: c.width, Raw: true,
		},
		Input: c.input(p), Trunk: c.trunk(p),
		Default: system.Sampling{Temperature: 1, TopK: 10, TopP: 0.5, Guidance: 5},
	}
	modulation, out := p.Linear(2*c.width, c.width, varInit, "head_nm.ada_lin.1"), p.Linear(c.Codes, c.width, varInit, "head")
	s.Head = head.Modulated{Softmax: head.Softmax{Linear: head.Linear{Out: out.W, Bias: out.B}}, Modulation: modulation, Eps: c.Eps}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) { return c.schedule(s.Layout.Inputs, q) }
	return s, nil
}

// size is the number of tokens of a scale.
func (c *sar3d) size(scale int) int { return planes.Count * c.Sides[scale] * c.Sides[scale] }

// sarInput maps the features of a condition in the stages that read it.
type sarInput struct {
	input.Accumulated
	pooler *nn.Linear
	read   int
}

// The rows of the table.
const (
	sarStart = iota
	sarBias
	sarLevels
)

func (c *sar3d) input(p nn.Params) sarInput {
	weights := map[string]*nn.Frozen{}
	for _, x := range c.Params() {
		weights[x.Name] = p.Frozen(x.Frozen("vae."))
	}
	return sarInput{pooler: p.Linear(c.width, c.features, varInit, "pooler_emb"), read: c.readStage(), Accumulated: input.Accumulated{
		Width: c.Dim, Word: &nn.Linear{W: p.Matrix(c.width, c.Dim, varInit, "word_embed.weight")},
		Table: p.Table(c.width, varInit, nn.Part{Name: "pos_start", Rows: 1, Ones: 1}, nn.Part{Name: "word_embed.bias", Rows: 1},
			nn.Part{Name: "lvl_embed.weight", Rows: len(c.Sides)}, nn.Part{Name: "plane_embed.weight", Rows: planes.Count}, nn.Part{Name: "pos_1LC", Rows: planes.Count * c.Tokens(), Ones: 1}),
		Scales: func(g nn.Graph, stage int) (input.Scales, int) {
			q := msvq.Quantizer{Config: c.Config.Config, Weight: func(name string) *gpu.Tensor { return g.Frozen(weights[planes.Prefix+name]) }}
			return planes.Quantizer{Quantizer: q}, stage - 1
		},
	}}
}

// Record implements system.Input.
func (in sarInput) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case 0:
		return g.SiLU(in.pooler.Forward(g, g.Features(), nn.ProductOptions{}))
	case in.read:
		return in.pooler.Forward(g, g.Features(), nn.ProductOptions{})
	}
	x := in.Accumulated.Record(g, stage)
	if stage == 1 {
		x = g.Add(x, g.Recall(sarFirst))
		g.Mark("first", x)
	}
	return x
}

// sarTrunk keeps states of the condition, and what blocks see of it.
type sarTrunk struct {
	nn.Adaptives
	read int
}

func (c *sar3d) trunk(p nn.Params) sarTrunk {
	t, plain := sarTrunk{read: c.readStage()}, next{Heads: c.Heads, Eps: c.Eps, width: c.width, hidden: c.hidden, unit: true}
	for i := range c.depth {
		q := p.In(sarBlock, i)
		b := plain.block(q, i, nil)
		b.Look, b.LookFirst = c.look(q, b), c.Variant == "image"
		t.Adaptives = append(t.Adaptives, b)
	}
	return t
}

// look declares the attention of a block to the condition. Its keys lie in front of the rows'
// own, in the same cache.
func (c *sar3d) look(p nn.Params, b *nn.Adaptive) *nn.Look {
	l := &nn.Look{Name: b.Name, Norm: p.RMS(c.width, sarEps, "prenorm_ca_dino.g")}
	q := p.In("cross_attn.")
	l.Query = &nn.Linear{W: q.Matrix(c.width, c.width, varInit, "mat_q.weight"), B: q.Vector(c.width, 0, "q_bias")}
	l.Scale = q.Vector(c.Heads, math.Log(4), "scale_mul_1H11")
	l.Shared = &nn.Shared{
		KeysValues: q.Matrix(2*c.width, c.features, varInit, "mat_kv.weight"), Bias: q.Stack(2*c.width, "zero_k_bias", "zero_k_bias", "v_bias"),
		Attention: b.Attention, Unit: true, Count: sarCount,
	}
	l.Out = q.Linear(c.width, c.width, varInit, "proj")
	return l
}

// Forward implements system.Trunk.
func (t sarTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	switch g.Stage() {
	case 0:
		g.Keep(x)
		return x
	case t.read:
		d := g.(*nn.Inference)
		for _, b := range t.Adaptives {
			b.Look.Shared.Write(d, g.Features())
		}
		g.Keep(x)
		return x
	}
	return t.Adaptives.Forward(g, x)
}

// schedule returns the runs of a condition. The guidance grows with the scales: the first has
// none.
func (c *sar3d) schedule(fed int, q system.Prompt) (system.Schedule, error) {
	seen, err := c.condition(q.Text, system.ErrPrompt)
	if err != nil {
		return nil, err
	}
	none := c.none
	switch {
	case q.Guidance <= 1:
		none = q.Text // which nobody reads
	case none == nil:
		return nil, errNone(q.Guidance)
	}
	unseen := len(none)/c.features - 1
	before := max(seen, unseen)
	p := order.Pyramid{
		Sides: c.Sides, Maps: planes.Count, Start: sarStart, Bias: sarBias, Levels: sarLevels, Map: sarLevels + int32(len(c.Sides)), Places: sarLevels + int32(len(c.Sides)) + planes.Count,
		Fed: fed,
	}
	if q.Ramp != system.Constant {
		p.Scale = func(k int) float32 { return growing(q.Guidance, k, len(c.Sides)) }
	}
	runs := c.read(fed, before, q.Text, none)
	for k, r := range p.Scales() {
		r.Recall = nil
		for i := range r.N {
			r.Slot[i], r.KVLen[i] = r.Slot[i]+int32(before), r.KVLen[i]+int32(before)
			r.Ranges = append(r.Ranges, int32(before), r.KVLen[i])
			first := int32(-1)
			if k == 0 {
				first = sarFirst
			}
			r.Recall = append(r.Recall, sarModulation, first)
		}
		other := r.Rows
		r.Axes, other.Axes = c.seeing(r.N, seen), c.seeing(r.N, unseen)
		r.Other = &other
		runs = append(runs, r)
	}
	return order.Fixed(runs...), nil
}

// read are the runs that read a condition, and in the other branch none. The first keeps what
// norms are modulated by. The second keeps what the first scale starts from, and writes what
// blocks look at to so many slots.
func (c *sar3d) read(fed, slots int, text, none []float32) []system.Run {
	rows := func(n int, x []float32, place int32) system.Rows {
		r := system.Rows{N: n, Fixed: filled(4*n, -1), Inputs: filled(fed*n, system.Nothing), Axes: make([]int32, sarAxes*n), Ranges: make([]int32, 2*n), KVLen: make([]int32, n), Slot: filled(n, -1), Keep: filled(n, -1)}
		r.Keep[0], r.Features = place, make([]float32, n*c.features)
		copy(r.Features, x)
		for i := 1; i < n && i < len(x)/c.features; i++ {
			r.Slot[i] = int32(i - 1)
		}
		return r
	}
	run := func(n, stage int, place int32) system.Run {
		other := rows(n, none, place)
		return system.Run{Rows: rows(n, text, place), Other: &other, Group: n, Stage: stage}
	}
	return []system.Run{run(1, 0, sarModulation), run(1+slots, c.readStage(), sarFirst)}
}

// seeing are coordinates of n rows that see so many of the condition.
func (c *sar3d) seeing(n, seen int) (axes []int32) {
	for range n {
		axes = append(axes, 0, int32(seen))
	}
	return axes
}

// filled returns n elements x.
func filled(n int, x int32) []int32 { return slices.Repeat([]int32{x}, n) }
