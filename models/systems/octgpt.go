package systems

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cells"
)

func init() {
	system.Register(system.Published{
		Name: "octgpt", Title: "OctGPT", Paper: "2504.09975", Papers: []string{"2305.03045", "2403.13298"}, Kind: system.Shape,
		Tensors: []string{"split_emb.weight", "class_emb.weight", "vq_proj.weight", "encoder.layers.blocks.0.attention.rope.freqs", "split_head.weight", "vq_head.weight"}, Open: openOctGPT,
	})
}

// Upstream's code has these levels built in.
const (
	octTop   = 3
	octDepth = 6
	octGrid  = 2 << octDepth // coordinates of the centres of cells, in half cells
)

// The stages.
const (
	octRead = iota
	octText
	octFlags
	octCodes
	octFlagsAgain
	octCodesAgain
)

// octgpt describes OctGPT's network, by the names of upstream's arguments. What a
// description lacks comes from the shapes of the tensors, or is that of ShapeNet's models.
type octgpt struct {
	Heads        int       `json:"num_heads"`
	Window       int       `json:"patch_size"`
	Dilation     int       `json:"dilation"`
	Buffer       int       `json:"buffer_size"`
	Again        float64   `json:"remask_stage"`
	Temperatures []float32 `json:"start_temperature"`
	Sets         []int     `json:"num_iters"`
	Most         int       `json:"max_nodes"` // of a shape, of all levels; a name of ours

	width, hidden, classes, bits int
	blocks                       [2]int // of the encoder and of the decoder
	text                         int    // features of a row of text, 0 without
	learned, rms                 bool   // learned places; norms without means
}

// readOctGPT reads a description and the shapes of the tensors.
func readOctGPT(config json.RawMessage, w nn.Weights) (*octgpt, error) {
	c := &octgpt{Heads: 8, Window: 2048, Dilation: 2, Again: 0.7, Temperatures: []float32{1, 1.2, 0.8, 0.9}, Sets: []int{64, 128, 128, 256}, Most: 1 << 16}
	c.text = dim(w, "cond_proj.weight", 1)
	c.Buffer = 64
	if c.text > 0 {
		c.Buffer = 77 // rows of CLIP's text
	}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	const first = "encoder.layers.blocks.0."
	c.width, c.classes, c.bits, c.hidden = dim(w, "class_emb.weight", 1), dim(w, "class_emb.weight", 0), dim(w, "vq_proj.weight", 1), dim(w, first+"mlp.fc1.weight", 0)
	for i, part := range []string{"encoder", "decoder"} {
		c.blocks[i] = blocksOf(w, part+".layers.blocks.%d.norm1.weight")
	}
	_, c.learned = w.Shape(first + "pos_emb.absolute_emb")
	_, mean := w.Shape(first + "norm1.bias")
	c.rms = !mean
	return c, c.check()
}

func (c *octgpt) check() error {
	in, levels := within, octDepth-octTop+1
	switch {
	case !in(c.width, 6, 1<<14) || !in(c.Heads, 1, 1<<10) || c.width%(2*c.Heads) != 0 || c.width/c.Heads > attention.MaxHeadDim || c.width%6 != 0 || !in(c.hidden, 2, 1<<17) || !in(c.blocks[0], 1, 256) || !in(c.blocks[1], 0, 256):
		return fmt.Errorf("systems: %w: width %d, %d heads, %v blocks, hidden width %d", nn.ErrConfig, c.width, c.Heads, c.blocks, c.hidden)
	case !in(c.Window, 2, 1<<16) || c.Window%2 != 0 || !in(c.Dilation, 1, 1<<10) || !in(c.Buffer, 1, 1<<12) || !in(c.Most, 1<<(3*octTop), 1<<20):
		return fmt.Errorf("systems: %w: windows of %d rows %d apart, %d rows of condition, %d nodes", nn.ErrConfig, c.Window, c.Dilation, c.Buffer, c.Most)
	case !in(c.classes, 1, 1<<20) || !in(c.bits, 1, 32) || c.bits%2 != 0 || !in(c.text, 0, 1<<16) || c.text%2 != 0 || !(c.Again >= 0 && c.Again <= 1) || len(c.Sets) != levels || len(c.Temperatures) != levels:
		return fmt.Errorf("systems: %w: %d classes, codes of %d bits, %d features of text, remasking from %g on, %v sets at %v", nn.ErrConfig, c.classes, c.bits, c.text, c.Again, c.Sets, c.Temperatures)
	}
	for i, n := range c.Sets {
		if !in(n, 1, 1<<16) || !(c.Temperatures[i] >= 0 && c.Temperatures[i] < 1e6) {
			return fmt.Errorf("systems: %w: %d sets from a temperature of %g", nn.ErrConfig, n, c.Temperatures[i])
		}
	}
	return nil
}

// openOctGPT opens "OctGPT: Octree-based Multiscale Autoregressive Models for 3D Shape
// Generation", arXiv:2504.09975. Its parts:
//
//	token     a split flag, or a code of 32 bits at the last level
//	schedule  level by level in Morton order, in random sets
//	input     tokens that are known; what stands for unknown ones
//	trunk     an encoder of the known tokens, a decoder of all; windows along the order
//	head      two logits a bit
//	sampling  temperature, falling over a level; some tokens are drawn again
//
// It depends on no other shape: upstream's windows run on into the next shape of a batch.
func openOctGPT(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readOctGPT(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	rows := c.Buffer + c.Most
	s := &system.System{
		Name: "octgpt", Token: system.Token{Bits: c.bits}, Text: c.text,
		Layout: system.Layout{
			Fixed: 1, Inputs: 1, Axes: order.LevelsAxes, Context: c.Buffer, Length: rows, Group: rows, Places: rows, State: c.width, Windows: c.windows(),
			Features: c.text, FeatureRows: c.Buffer,
		},
		Input: c.input(p), Trunk: c.trunk(p), Head: c.head(p),
		Default: system.Sampling{Temperature: 1}, Schedule: c.schedule, Format: system.Format{Depth: octDepth},
	}
	s.Tokenizer = func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return cells.Tokenizer{Top: octTop, Depth: octDepth}, nil // where none is beside it
	}
	if c.text > 0 {
		s.Layout.Places += c.Buffer // of what the rows of the condition start from
	}
	s.Params = p.List()
	return s, nil
}

// windows are those of four blocks in turn.
func (c *octgpt) windows() []attention.Window {
	return []attention.Window{
		{Size: c.Window, Dilation: 1},
		{Size: c.Window, Dilation: c.Dilation},
		{Size: c.Window, Dilation: 1, Shift: c.Window / 2},
		{Size: c.Window, Dilation: c.Dilation, Shift: c.Window / 2},
	}
}

var octInit = nn.Init{Std: 0.02}

// norm declares a norm of the description's kind.
func (c *octgpt) norm(p nn.Params, n int, name string) nn.RowNorm {
	if c.rms {
		return p.RMS(n, 1e-6, name+".weight")
	}
	return p.LayerNorm(n, 1e-5, name)
}

// octInput makes the rows of all stages. The rows of the table are the classes, the flags, a
// bias beside codes, and with a text what stands for unknown tokens.
type octInput struct {
	table     *nn.Table
	codes     *nn.Matrix
	norm      nn.RowNorm // of text; nil without
	condition *nn.Linear
}

func (c *octgpt) input(p nn.Params) *octInput {
	parts := []nn.Part{{Name: "class_emb.weight", Rows: c.classes}, {Name: "split_emb.weight", Rows: 2}, {Name: "vq_proj.bias", Rows: 1}}
	in := &octInput{codes: p.Matrix(c.width, c.bits, octInit, "vq_proj.weight")}
	if c.text > 0 {
		parts = append(parts, nn.Part{Name: "mask_token", Rows: 1})
		in.norm, in.condition = c.norm(p, c.text, "ln_cond"), p.Linear(c.width, c.text, octInit, "cond_proj")
	}
	in.table = p.Table(c.width, octInit, parts...)
	return in
}

// Record implements system.Input.
func (in *octInput) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case octText:
		return in.condition.Forward(g, in.norm.Forward(g, g.Features()), nn.ProductOptions{})
	case octRead:
		x := g.Product(g.Codes(), in.codes, nn.ProductOptions{Add: g.Embed(in.table)})
		if in.condition != nil {
			x = g.Add(g.Recall(0), x)
		}
		g.Mark("known", x)
		return x
	}
	x := g.Add(g.Recall(0), g.Embed(in.table))
	g.Mark("fill", x)
	return x
}

// octTrunk is an encoder of the known tokens and a decoder of all.
type octTrunk struct {
	encoder, decoder         nn.WindowedStack
	encoderNorm, decoderNorm nn.RowNorm
}

func (c *octgpt) trunk(p nn.Params) *octTrunk {
	var waves *nn.Constant
	if !c.learned {
		waves = p.Constant(c.waves(), octGrid, c.width)
	}
	return &octTrunk{
		encoder: c.stack(p, "encoder", c.blocks[0], waves), encoderNorm: c.norm(p, c.width, "encoder_ln"),
		decoder: c.stack(p, "decoder", c.blocks[1], waves), decoderNorm: c.norm(p, c.width, "decoder_ln"),
	}
}

// waves are sines and cosines of a coordinate in turn, the same for every axis.
func (c *octgpt) waves() (out []float32) {
	each := c.width / 3 // columns of an axis
	for x := range octGrid {
		for i := range c.width {
			j := i % each
			sin, cos := math.Sincos(float64(x) * math.Pow(100, -float64(j/2*2)/float64(each)))
			if j%2 == 1 {
				sin = cos
			}
			out = append(out, float32(sin))
		}
	}
	return out
}

func (c *octgpt) stack(p nn.Params, part string, n int, waves *nn.Constant) (s nn.WindowedStack) {
	for i := range n {
		q := p.In("%s.layers.blocks.%d.", part, i)
		b := &nn.Windowed{
			Name: fmt.Sprint(part, i), Places: &nn.Places{Constant: waves, Levels: q.Table(c.width, octInit, nn.Part{Name: "pos_emb.depth_emb.weight", Rows: octDepth - octTop + 1})},
			Norm1: c.norm(q, c.width, "norm1"), Norm2: c.norm(q, c.width, "norm2"),
			QKV: q.Linear(3*c.width, c.width, octInit, "attention.qkv"), Out: q.Linear(c.width, c.width, octInit, "attention.proj"),
			Up: q.Linear(c.hidden, c.width, octInit, "mlp.fc1"), Down: q.Linear(c.width, c.hidden, octInit, "mlp.fc2"),
			Attention: &nn.Attention{Heads: c.Heads, HeadDim: c.width / c.Heads}, Windows: i % 4,
			Turn: q.Table(c.width/2, octInit, nn.Part{Name: "attention.rope.freqs", Rows: order.LevelsAxes - 1}, nn.Part{Rows: 1}),
		}
		if c.learned {
			b.Places.Learned = q.Table(c.width, octInit, nn.Part{Name: "pos_emb.absolute_emb", Rows: octGrid})
		}
		if c.text > 0 && i%2 == 0 {
			b.Look = c.look(q)
		}
		s = append(s, b)
	}
	return s
}

// look declares the attention to a text, under the names of torch's.
func (c *octgpt) look(p nn.Params) *nn.Look {
	l := &nn.Look{Norm: c.norm(p, c.width, "cross_norm")}
	a := p.In("cross_attn.")
	const bias = "in_proj_bias"
	l.Query = &nn.Linear{W: a.Matrix(c.width, c.width, octInit, "q_proj_weight"), B: a.Slice(c.width, 0, 3*c.width, bias)}
	l.Shared = &nn.Shared{
		KeysValues: a.Matrix(2*c.width, c.text, octInit, "k_proj_weight", "v_proj_weight"), Bias: a.Slice(2*c.width, c.width, 3*c.width, bias),
		Attention: p.Attention(nn.Attention{Heads: c.Heads, HeadDim: c.width / c.Heads}),
	}
	l.Out = a.Linear(c.width, c.width, octInit, "out_proj")
	return l
}

// Forward implements system.Trunk.
func (t *octTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	switch g.Stage() {
	case octText: // rows of the text are seen by those of later stages
		d := g.(*nn.Inference)
		for _, b := range append(t.encoder[:len(t.encoder):len(t.encoder)], t.decoder...) {
			if b.Look != nil {
				b.Look.Shared.Write(d, g.Features())
			}
		}
		g.Keep(x)
	case octRead:
		x = t.encoderNorm.Forward(g, t.encoder.Forward(g, x))
		g.Mark("encoder.norm", x)
		g.Keep(x)
	default:
		x = t.decoderNorm.Forward(g, t.decoder.Forward(g, x))
		g.Mark("decoder.norm", x)
	}
	return x
}

// Of the tokens that are likelier to be something else, one in so many is drawn again.
const (
	octFlagShare = 5
	octCodeShare = 10
)

func (c *octgpt) head(p nn.Params) head.Pairs {
	linear := func(name string, out int) head.Linear {
		l := p.Linear(out, c.width, octInit, name)
		return head.Linear{Out: l.W, Bias: l.B}
	}
	flags, codes := head.PairsStage{Linear: linear("split_head", 2), Scale: 1}, head.PairsStage{Linear: linear("vq_head", 2*c.bits), Scale: 1}
	of := map[int]head.PairsStage{octFlags: flags, octCodes: codes}
	flags.Again, codes.Again = octFlagShare, octCodeShare
	of[octFlagsAgain], of[octCodesAgain] = flags, codes
	return head.Pairs{Of: func(stage int) head.PairsStage { return of[stage] }, Words: 1, Most: 2 * c.bits}
}

// schedule returns the runs of a class, or of a text.
func (c *octgpt) schedule(q system.Prompt) (system.Schedule, error) {
	rows := 0
	if c.text > 0 {
		rows = len(q.Text) / c.text
	}
	if q.Depth != 0 && q.Depth != octDepth || q.Class < 0 || q.Class >= c.classes || len(q.Text) != rows*c.text || rows > c.Buffer || c.text > 0 && rows == 0 || !within(q.Steps, 0, 1<<16) {
		return nil, fmt.Errorf("systems: %w: depth %d of %d, class %d of %d, %d features of text in at most %d rows of %d, %d steps", system.ErrPrompt, q.Depth, octDepth, q.Class, c.classes, len(q.Text), c.Buffer, c.text, q.Steps)
	}
	m := order.MaskedLevels{
		Top: octTop, Depth: octDepth, Most: c.Most, Steps: c.Sets, Heat: c.Temperatures, Again: c.Again, Given: q.Given, Order: q.Order,
		Buffer: c.Buffer, Class: int32(q.Class), Kept: -1, Split: int32(c.classes), Code: int32(c.classes + 2), Unknown: int32(q.Class),
		Read: octRead, Fill: [2]int{octFlags, octCodes}, Redraw: [2]int{octFlagsAgain, octCodesAgain},
	}
	if q.Steps > 0 {
		m.Steps = []int{q.Steps, q.Steps, q.Steps, q.Steps}
	}
	if c.text > 0 {
		m.Condition, m.Text, m.Class, m.Kept, m.Unknown = []system.Run{c.read(q.Text, rows)}, rows, -1, int32(c.Buffer+c.Most), int32(c.classes+3)
	}
	return m.Schedule()
}

// read is the run that reads a text of n rows.
func (c *octgpt) read(text []float32, n int) system.Run {
	r := system.Run{Stage: octText, Group: n}
	r.N, r.Features = n, text
	for i := range n {
		r.Fixed, r.Inputs, r.Slot, r.KVLen, r.Axes = append(r.Fixed, -1), append(r.Inputs, system.Nothing), append(r.Slot, int32(i)), append(r.KVLen, 0), append(r.Axes, 0, 0, 0, 0)
		r.Keep = append(r.Keep, int32(c.Buffer+c.Most+i))
	}
	return r
}
